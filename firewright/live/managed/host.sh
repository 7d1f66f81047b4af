# What is done on a managed host, which needs nft and sh: it replaces one table, and takes that back unless it is confirmed in time.
#
# It is read from standard input by a shell of the host (`sh -s`), behind the texts that it is given, or lies in its state folder
# for the watchdog, for the boot and for the timer: `sh host.sh watch N`, `sh host.sh boot`, `sh host.sh ends`.
#
# state/                     root only
#   host.sh                  this program
#   generations/N/           ruleset.nft, meta, ends, minimal.nft, state (applied, confirmed, rolled back: why)
#   confirmed                the number of the generation that is loaded at boot
#   pending/                 number, seconds, boot, snapshot.nft, before, connection, watch: a load that nobody has confirmed yet
#   minimal.nft              what is loaded where the confirmed one cannot be: management, nothing else
#   journal                  a line for each thing that was done, each with the hash of those before it
# Every step is a rename, so that whatever dies leaves a state that the next step, the watchdog or the boot understands.

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C TZ=UTC0
export PATH LC_ALL TZ
unset CDPATH ENV
umask 077
STATE=${FIREWRIGHT_STATE:-/var/lib/firewright}
RUN=${FIREWRIGHT_RUN:-/run/firewright}
ROOT=${FIREWRIGHT_ROOT:-}
# The ssh connection that this is read over, where it is: sudo would take the variable away.
CONNECTION=${2:-}
TOKEN=${TOKEN:-}
TABLE="inet firewright"
KEPT=20
incoming= is_locked= is_roots=

section() { printf -- '--- %s %s\n' "$TOKEN" "$1"; }

# What went wrong: its name on a line, then in words. Nothing after it is done.
fail() {
  section error
  printf '%s\n%s\n' "$1" "$2"
  exit 1
}

leave() {
  [ -z "$incoming" ] || rm -rf "$incoming"
  [ -z "$is_locked" ] || rm -f "$RUN/lock"
  incoming= is_locked=
}

now() { date +%s; }
# Whole seconds since the host started: no clock that is set changes them.
uptime_() { read -r up rest </proc/uptime && echo "${up%%.*}"; }
boot_id() { cat /proc/sys/kernel/random/boot_id 2>/dev/null || echo unknown; }
# The first line of a file, or nothing.
line_of() { if [ -r "$1" ]; then read -r first <"$1" || [ -n "$first" ] && printf '%s\n' "$first"; fi; }
sum_of() { set -- $(cksum <"$1") && echo "$1-$2"; }
settle() { sync "$@" 2>/dev/null || sync; }
# When a process that lives began, in ticks since the start of the host: its number alone may be another's by now.
began() {
  read -r stat 2>/dev/null <"/proc/$1/stat" || return 0
  set -- ${stat##*) }
  case $1 in Z | X) return 0 ;; esac
  echo "${20}"
}
# A process as a number and when it began, for files that say who does something.
mark_of() { echo "$1 $(began "$1")"; }
is_alive() { # the two words of a mark, whatever stands behind them
  set -- $1
  [ -n "${2:-}" ] && [ "$(began "$1")" = "$2" ] && kill -0 "$1" 2>/dev/null
}
has() { command -v "$1" >/dev/null 2>&1; }
has_systemd() { [ -z "$ROOT" ] && [ -d /run/systemd/system ] && has systemctl && has systemd-run; }

trap leave EXIT
trap 'exit 130' HUP INT PIPE TERM

must_be_root() { [ "$(id -u)" = 0 ] || fail not-root "this needs root on the host"; }
must_have_nft() { has nft || fail no-nft "nft is not installed on the host"; }

# The folders, or why they cannot be.
must_have_state() {
  said=$(mkdir -p "$STATE/generations" "$RUN" 2>&1) || fail no-state "the folder of its state cannot be written: $said"
  # before anything is written: a link that somebody else put there would lead root to any file
  [ -n "$is_roots" ] || must_be_roots
  said=$( { : >"$STATE/.writable" && rm -f "$STATE/.writable"; } 2>&1) ||
    fail no-state "the folder of its state cannot be written: $said"
}

# Nobody but root may change what lies in the folder of the state, or put another in its place: root runs host.sh there.
must_be_roots() {
  # whoever owns / is root: in a user namespace, under another number
  top=$(ls -ldn / | { read -r mode links owner rest && echo "$owner"; })
  real=$(cd -P "$STATE" && pwd -P) || real=
  case $STATE in /*) ;; *) fail no-state "$STATE is no place: it has to begin with /" ;; esac
  for here in "$STATE" "$real"; do
    place=${here%/} writers=
    until must_be_roots_own "${place:-/}" "$(ls -ldn "${place:-/}" 2>&1)" "$writers" && [ -z "$place" ]; do
      place=${place%/*} writers=sticky
    done
  done
  for here in "$STATE" "$STATE/generations"; do
    foreign=$(ls -lnA "$here" 2>&1 | while read -r line; do
      case $line in "total "*) ;; *) is_roots_own "$line" || { echo "$line" && break; } ;; esac
    done)
    [ -z "$foreign" ] || must_be_roots_own "a file of $here" "$foreign"
  done
  is_roots=1
}
must_be_roots_own() { # $1: what is told of, $2 and $3 as for is_roots_own
  is_roots_own "$2" "${3:-}" || fail foreign-state "others than root can change $1, and root runs what is in $STATE: $2"
}
# Whether none but root may write to what a line of ls -ln tells of. $1: the line, $2: "sticky" where others may put their own into it
is_roots_own() {
  echo "$1" | {
    read -r mode links owner rest || return 1
    [ "$owner" = 0 ] || [ "$owner" = "$top" ] || return 1
    case $mode in
      l* | ?????[!w]??[!w]*) ;;
      d????????[tT]*) [ "${2:-}" = sticky ] ;;
      *) return 1 ;;
    esac
  }
}

# One at a time. $1: what for, $2: seconds to wait for another.
lock() {
  left=${2:-0}
  # A link: there is no lock without a name in it, not even where a disk is full.
  until { echo "$(mark_of $$) $1" >"$RUN/lock.$$" && ln "$RUN/lock.$$" "$RUN/lock"; } 2>/dev/null; do
    [ -s "$RUN/lock.$$" ] || { rm -f "$RUN/lock.$$"; fail no-state "$RUN cannot be written"; }
    holder=$(line_of "$RUN/lock")
    if is_alive "$holder"; then
      [ "$left" -gt 0 ] || {
        rm -f "$RUN/lock.$$"
        fail busy "another process (${holder#* * }, number ${holder%% *}) is changing the firewall of this host now"
      }
      left=$((left - 1))
      sleep 1
    elif [ -e "$RUN/lock" ] && mv "$RUN/lock" "$RUN/lock.$$" 2>/dev/null; then
      # Whoever held it is dead; if another took it in between, it gets it back.
      taken=$(line_of "$RUN/lock.$$")
      if [ "$taken" != "$holder" ]; then ln "$RUN/lock.$$" "$RUN/lock" 2>/dev/null; fi
      rm -f "$RUN/lock.$$"
    else
      [ "$left" -gt -5 ] || { rm -f "$RUN/lock.$$"; fail busy "the lock of this host, $RUN/lock, cannot be taken"; }
      left=$((left - 1))
      sleep 1
    fi
  done
  rm -f "$RUN/lock.$$"
  is_locked=1
}

# A text that follows on standard input, as a file of $incoming. $1: its name, $2: what cksum must say of it.
stage() {
  if [ -z "$incoming" ]; then
    must_be_root
    has cksum || fail no-program "cksum is not installed on the host"
    must_have_state
    incoming=$STATE/incoming.$$
    said=$(mkdir "$incoming" 2>&1) || fail no-state "nothing can be stored: $said"
  fi
  said=$( { cat >"$incoming/$1"; } 2>&1) || fail no-space "the host could not store $1: $said"
  [ "$(sum_of "$incoming/$1")" = "$2" ] || fail no-space "the host did not store $1 as it was sent: is a disk full?"
}

# A line of the journal: the hash of the line before it, the time, what was done, of which generation, by whom, in words
# (what nft says may have many lines).
record() {
  [ -d "$STATE" ] || return 0
  set -- "$1" "$2" "$(printf '%s' "$3" | tr '\n\t' '  ')" "$(tail -n 1 "$STATE/journal" 2>/dev/null)"
  if has sha256sum; then set -- "$1" "$2" "$3" "$(printf '%s\n' "$4" | sha256sum)"; else set -- "$1" "$2" "$3" "-"; fi
  printf '%s %s %s %s %s %s\n' "${4%% *}" "$(now)" "$1" "${2:--}" "${WHO:--}" "$3" >>"$STATE/journal" 2>/dev/null
}

# Our table as nft lists it, without what counts; nothing where there is none.
listed() {
  if nft -t list table $TABLE 2>/dev/null | grep -q "flags.*dynamic"; then
    nft -s -t list table $TABLE 2>/dev/null
  else
    nft -s list table $TABLE 2>/dev/null
  fi
}
listed_sum() { listed | cksum | { read -r sum size && echo "$sum-$size"; }; }

# What makes room for a text in our table: base chains and timeouts stay, for a live flow forgets its timeout with its object.
# $1: the text, $2: "exact" where objects that it does not name must go.
room_for() {
  echo "table $TABLE"
  echo "flush table $TABLE"
  tab=$(printf '\t')
  # Only lines that matter: elements without a name are listed too, and read takes its time over each character of a pipe.
  nft -t list table $TABLE 2>/dev/null |
    grep -E "^$tab((chain|set|map|ct timeout|ct helper) .*\{|\})\$|^$tab${tab}type .* hook " | {
    maps= sets= chains= objects= chain=
    while IFS= read -r line; do
      case $line in
      "${tab}chain "*" {") chain=${line#"${tab}chain "} chain=${chain%" {"} ;;
      "$tab${tab}type "*" hook "*) if grep -q "^${tab}chain $chain {\$" "$1"; then chain=; fi ;;
      "$tab}") [ -z "$chain" ] || chains="$chains $chain" chain= ;;
      "${tab}set "*" {") name=${line#"${tab}set "} sets="$sets ${name%" {"}" ;;
      "${tab}map "*" {") name=${line#"${tab}map "} maps="$maps ${name%" {"}" ;;
      "${tab}ct timeout "*" {" | "${tab}ct helper "*" {")
        name=${line#"$tab"} name=${name%" {"}
        if [ "${2:-}" = exact ] && ! grep -q "^$tab$name {\$" "$1"; then objects="$objects${name#ct }
"; fi ;;
      esac
    done
    for name in $maps; do echo "delete map $TABLE $name"; done
    for name in $sets; do echo "delete set $TABLE $name"; done
    for name in $chains; do echo "delete chain $TABLE $name"; done
    printf '%s' "$objects" | while read -r kind name; do echo "delete ct $kind $TABLE $name"; done
  }
}

# What a text has: a line "chain NAME", "set NAME", "map NAME" each; and the names of the chains that it puts on hooks.
declared() { sed -n -e "s/^$tab\(chain .*\) {\$/\1/p" -e "s/^$tab\(set .*\) {\$/\1/p" -e "s/^$tab\(map .*\) {\$/\1/p" "$1"; }
hooked() { sed -n -e "/^${tab}chain .* {\$/h" -e "/^$tab${tab}type .* hook /{x;s/^${tab}chain \(.*\) {\$/\1/p;x;}" "$1"; }

# Whether all that a text has beside its chains on hooks bears a name that only one generation has: with a dot and a number.
is_apart() {
  hooked "$1" | sed 's/^/chain /' >"$1.hooked" && declared "$1" | grep -vxF -f "$1.hooked" >"$1.apart"
  [ -s "$1.hooked" ] && [ -s "$1.apart" ] && ! grep -qv '\.[0-9][0-9]*$' "$1.apart"
}

# Load a text beside what runs, then let the chains on hooks lead to it, then take away what ran: three transactions.
#
# In one, the kernel lets the new rules meet sets of intervals that it has not filled yet, for as long as the rest of the transaction
# takes to come into force: a ban that is such a set would ban nobody. A name of a generation always means the same, so what is
# there already stays.
load_beside() {
  nft -t list table $TABLE >"$1.now" 2>/dev/null || return
  hooked "$1.now" >"$1.hooked_now"
  declared "$1" >"$1.declared"
  {
    while read -r kind name; do echo "/^$tab$kind $name {\$/,/^$tab}\$/d"; done <"$1.hooked"
    declared "$1.now" | grep -xF -f "$1.apart" | while read -r kind name; do echo "/^$tab$kind $name {\$/,/^$tab}\$/d"; done
  } >"$1.left_out"
  tail -n +3 "$1" | sed -f "$1.left_out" >"$1.beside"
  {
    while read -r name; do
      echo "flush chain $TABLE $name"
      grep -qx "chain $name" "$1.hooked" || echo "delete chain $TABLE $name"
    done <"$1.hooked_now"
    echo "table $TABLE {"
    while read -r kind name; do sed -n "/^${tab}chain $name {\$/,/^$tab}\$/p" "$1"; done <"$1.hooked"
    echo "}"
  } >"$1.turn"
  sed 's/^/chain /' "$1.hooked_now" >"$1.kept"
  declared "$1.now" | grep -vxF -f "$1.declared" | grep -vxF -f "$1.kept" >"$1.old"
  {
    while read -r kind name; do [ "$kind" != chain ] || echo "flush chain $TABLE $name"; done <"$1.old"
    for kind in map set chain; do
      while read -r is name; do [ "$is" != $kind ] || echo "delete $kind $TABLE $name"; done <"$1.old"
    done
    [ "${2:-}" != exact ] || sed -n "s/^$tab\(ct [th].*\) {\$/\1/p" "$1.now" | while read -r ct kind name; do
      grep -q "^$tab$ct $kind $name {\$" "$1" || echo "delete $ct $kind $TABLE $name"
    done
  } >"$1.away"
  nft -f "$1.beside" && nft -f "$1.turn" && nft -f "$1.away"
}

# Load a text that begins with two lines that empty the table. $1: the text, $2: "exact".
load() {
  tab=$(printf '\t')
  if [ "$(wc -l <"$1")" -le 2 ]; then
    nft -f "$1"
  elif is_apart "$1" && nft list chains inet 2>/dev/null | grep -qx "table $TABLE {"; then
    load_beside "$1" "${2:-}"
  else
    { room_for "$1" "${2:-}" && tail -n +3 "$1"; } >"$1.load" && nft -f "$1.load"
  fi
  result=$?
  rm -f "$1".*
  return $result
}

# The same where room cannot be made, as where somebody else made the table: all of it goes, and open flows their timeouts.
load_anew() { load "$1" "${2:-}" || nft -f "$1"; }

# What runs now, as a text that brings it back.
snapshot() {
  printf 'table %s\ndelete table %s\n' "$TABLE" "$TABLE"
  nft list table $TABLE 2>/dev/null || { tables=$(nft list tables) && ! echo "$tables" | grep -qx "table $TABLE"; }
}

# A real load where nothing is touched: `nft -c` takes jump loops that the kernel does not.
dry_run() {
  if has unshare && unshare -n true 2>/dev/null; then
    said=$(unshare -n nft -f "$1" 2>&1)
  else
    said=$(nft -c -f "$1" 2>&1)
  fi || fail refused "the host's nft does not take the ruleset: $said"
}

# The TCP connections that are open now, as the kernel lists them.
established() { cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | while read -r _ here there code _; do [ "$code" != 01 ] || echo "$here $there"; done; }
# Whether a connection was open before what waits was loaded, as far as its ports tell. $1: its words
was_open() {
  set -- $1
  case $2$4 in *[!0-9]* | "") return 1 ;; esac
  grep -q ":$(printf %04X "$4") [0-9A-F]*:$(printf %04X "$2")\$" "$STATE/pending/open"
}

highest() {
  top=0
  for folder in "$STATE"/generations/*; do
    number=${folder##*/}
    case $number in *[!0-9]* | "" | ??????????*) continue ;; esac
    [ "$number" -le "$top" ] || top=$number
  done
  echo "$top"
}

# What processes that were killed had begun. Needs the lock.
clear_up() {
  for folder in "$STATE"/incoming.*; do
    if [ -e "$folder" ] && ! kill -0 "${folder##*.}" 2>/dev/null; then rm -rf "$folder"; fi
  done
  rm -rf "$STATE/pending.new" "$STATE/taken"
}

# The highest number in a name of our table, where it is beyond $1: who lost the folder of the state did not lose those names.
loaded_highest() {
  top=$1
  for found in $(nft -t list table $TABLE 2>/dev/null | sed -n 's/^[^ ]* [^ ]*\.\([1-9][0-9]\{0,8\}\) {$/\1/p'); do
    [ "$found" -le "$top" ] || top=$found
  done
  echo "$top"
}

# Take a pending load back, if there is one: the table as it was before, then the folder. $1: why. Needs the lock.
take_back() {
  [ -d "$STATE/pending" ] || return 0
  number=$(line_of "$STATE/pending/number")
  if [ "$(line_of "$STATE/confirmed")" = "$number" ]; then
    rm -rf "$STATE/pending"
    return 0
  fi
  if [ -s "$STATE/pending/snapshot.nft" ] && [ -e "$STATE/pending/armed" ]; then
    if ! said=$(load_anew "$STATE/pending/snapshot.nft" exact 2>&1); then
      record rollback-failed "$number" "$said"
      [ ! -s "$STATE/minimal.nft" ] || load_anew "$STATE/minimal.nft" 2>/dev/null
      fail not-rolled-back "the ruleset from before cannot be loaded: $said"
    fi
    why="$1"
    [ "$(listed_sum)" = "$(line_of "$STATE/pending/before")" ] || why="$1; its listing differs from the one before"
  else
    why="$1; nothing had been loaded"
  fi
  echo "rolled back: $why" >"$STATE/generations/$number/state"
  rm -rf "$STATE/taken" && mv "$STATE/pending" "$STATE/taken" && rm -rf "$STATE/taken"
  settle "$STATE"
  record rolled-back "$number" "$why"
}

# A pending load of which nobody takes care any more, after a crash or a reboot, is taken back before anything else is done.
take_back_orphan() {
  [ -d "$STATE/pending" ] || return 0
  if [ "$(line_of "$STATE/pending/boot")" != "$(boot_id)" ]; then
    take_back "the host was started anew before it was confirmed"
  elif ! is_alive "$(line_of "$STATE/pending/watch")"; then
    take_back "its watchdog was dead"
  fi
}

in_background() { # $1: a name for systemd, then the words
  unit=$1
  shift
  if has_systemd; then
    systemctl reset-failed "$unit" >/dev/null 2>&1
    systemd-run --quiet --collect --unit="$unit" --property=Restart=on-failure --setenv=FIREWRIGHT_STATE="$STATE" --setenv=FIREWRIGHT_RUN="$RUN" \
      /bin/sh "$STATE/host.sh" "$@" </dev/null >/dev/null 2>&1 && return
  fi
  export FIREWRIGHT_STATE="$STATE" FIREWRIGHT_RUN="$RUN" FIREWRIGHT_ROOT="$ROOT"
  if has setsid; then
    setsid sh "$STATE/host.sh" "$@" </dev/null >/dev/null 2>&1 &
  else
    (trap '' HUP INT && exec sh "$STATE/host.sh" "$@") </dev/null >/dev/null 2>&1 &
  fi
}

# Have flows tracked that are open before anything tracked them: else the first segment after the load would begin nothing, and be
# dropped, that of the session that this comes over too. Whoever says something in these seconds goes on. $1: the ruleset to come
track_first() {
  [ -z "$(listed)" ] || return 0
  {
    for hook in input output forward; do
      if grep -q "^$(printf '\t')chain $hook {\$" "$1"; then
        echo "add table $TABLE"
        echo "add chain $TABLE $hook { type filter hook $hook priority filter; policy accept; }"
        echo "add rule $TABLE $hook ct state established accept"
      fi
    done
  } | nft -f - 2>/dev/null || return 0
  for second in 1 2 3; do
    # What is said here crosses the connection, and so does its answer.
    section tracking
    sleep 1
  done
  echo late >"$new/tracking"
  # Until the next start: either end of a flow that began before may have opened it.
  : >"$RUN/late"
}

# $1: what cksum says of our table as it was when the plan was made ("any": whatever it is), $2: seconds until it is taken back
# unless somebody confirms it, $3: the connection that this comes over ("-": the one that it is read over), $4: "anew" where a stranger's table is replaced
apply() {
  must_be_root
  must_have_nft
  must_have_state
  lock apply
  take_back_orphan
  [ ! -d "$STATE/pending" ] || fail pending "generation $(line_of "$STATE/pending/number") waits to be confirmed"
  over=$3
  [ "$over" != - ] || over=${CONNECTION:--}
  before=$(listed_sum)
  [ "$1" = any ] || [ "$1" = "$before" ] || fail changed "the firewall of this host changed since the plan was made"
  [ "$(head -n 2 "$incoming/ruleset.nft")" = "table $TABLE
delete table $TABLE" ] || fail refused "what was sent is no ruleset of firewright"
  dry_run "$incoming/ruleset.nft"
  number=$(($(loaded_highest "$(highest)") + 1))
  new=$STATE/generations/$number
  clear_up
  said=$( {
    sed "s/\.GENERATION/.$number/g" "$incoming/ruleset.nft" >"$incoming/ruleset.new" &&
      mv "$incoming/ruleset.new" "$incoming/ruleset.nft" &&
      cp "$incoming/host.sh" "$STATE/host.sh.new" && settle "$STATE/host.sh.new" && mv "$STATE/host.sh.new" "$STATE/host.sh" &&
      rm -f "$incoming/host.sh" && sum_of "$incoming/ruleset.nft" >"$incoming/sum" && echo "applied" >"$incoming/state" &&
      mv "$incoming" "$new" && mkdir "$STATE/pending.new" && echo "$number" >"$STATE/pending.new/number" &&
      echo "$2" >"$STATE/pending.new/seconds" && boot_id >"$STATE/pending.new/boot" && echo "$over" >"$STATE/pending.new/connection" &&
      snapshot >"$STATE/pending.new/snapshot.nft" && echo "$before" >"$STATE/pending.new/before" &&
      established >"$STATE/pending.new/open" &&
      uptime_ >"$STATE/pending.new/since" && mv "$STATE/pending.new" "$STATE/pending" && settle "$STATE"
  } 2>&1) || {
    rm -rf "$STATE/pending.new" "$new"
    fail no-space "the host could not store the generation: $said"
  }
  incoming=
  said=$(nft -c -f "$STATE/pending/snapshot.nft" 2>&1) || {
    rm -rf "$STATE/pending" "$new"
    fail refused "the table that runs could not be brought back, so nothing was loaded: $said"
  }
  in_background "firewright-watchdog-$number" watch "$number"
  waited=0
  until is_alive "$(line_of "$STATE/pending/watch")"; do
    waited=$((waited + 1))
    if [ $waited -gt 50 ]; then
      take_back "its watchdog did not start"
      fail no-watchdog "the watchdog does not start, so nothing was loaded"
    fi
    sleep 0.1 2>/dev/null || sleep 1
  done
  : >"$STATE/pending/armed" && settle "$STATE/pending/armed"
  track_first "$new/ruleset.nft"
  record applying "$number" "its watchdog waits $2 s"
  if [ "${4:-}" = anew ]; then said=$(load_anew "$new/ruleset.nft" 2>&1); else said=$(load "$new/ruleset.nft" 2>&1); fi || {
    refusal=$said
    take_back "nft did not load it"
    fail refused "the kernel of the host did not take the ruleset: $refusal"
  }
  listed_sum >"$STATE/pending/after"
  record applied "$number" "waits to be confirmed"
  # What follows may wait for ever for a connection that the ruleset has cut off: nobody must wait for it in turn.
  leave
  section generation
  echo "$number"
  section table
  nft list table $TABLE
}

# Takes a load back when its time is over and nobody has confirmed it. $1: its number
watch() {
  trap '' HUP INT
  [ "$(line_of "$STATE/pending/number")" = "$1" ] || exit 0
  end=$(($(line_of "$STATE/pending/since") + $(line_of "$STATE/pending/seconds")))
  mark_of $$ >"$STATE/pending/watch.new" && mv "$STATE/pending/watch.new" "$STATE/pending/watch" || exit 1
  while [ "$(uptime_)" -lt "$end" ]; do
    sleep 1
    [ "$(line_of "$STATE/pending/number")" = "$1" ] || exit 0
  done
  # Whoever holds the lock comes to an end; where nobody holds it and it cannot be taken (/run is full), nobody else can take it.
  unheld=0
  until (lock "the watchdog") >/dev/null 2>&1; do
    if is_alive "$(line_of "$RUN/lock")"; then unheld=0; else unheld=$((unheld + 1)); fi
    [ $unheld -lt 2 ] || break
    sleep 1
  done
  is_locked=1
  [ "$(line_of "$STATE/pending/number")" = "$1" ] || exit 0
  take_back "nobody confirmed it in $(line_of "$STATE/pending/seconds") s"
}

# $1: the number that is meant, or "any"; $2: the connection that this comes over ("-": the one that it is read over)
confirm() {
  over=$2
  [ "$over" != - ] || over=${CONNECTION:--}
  must_be_root
  must_have_state
  lock confirm 10
  if [ ! -d "$STATE/pending" ]; then
    last=$(highest)
    [ "$last" -gt 0 ] || fail nothing-pending "nothing waits to be confirmed: nothing was ever applied to this host"
    fail nothing-pending "nothing waits to be confirmed; generation $last: $(line_of "$STATE/generations/$last/state")"
  fi
  number=$(line_of "$STATE/pending/number")
  [ "$1" = any ] || [ "$1" = "$number" ] || fail other-pending "generation $number waits to be confirmed, not $1"
  if ! is_alive "$(line_of "$STATE/pending/watch")"; then
    take_back_orphan
    fail nothing-pending "generation $number was taken back: its watchdog was dead"
  fi
  old=$(line_of "$STATE/pending/connection")
  if [ "$over" = - ] && [ "$old" != - ]; then
    fail same-connection "the ruleset came over ssh, and this does not: it proves nothing of the way back in"
  fi
  if [ "$over" != - ] && { [ "$over" = "$old" ] || was_open "$over"; }; then
    fail same-connection "this connection was open before the ruleset was loaded, so it proves nothing"
  fi
  [ "$(listed_sum)" = "$(line_of "$STATE/pending/after")" ] ||
    fail changed "what runs is not what was loaded as generation $number: somebody changed it meanwhile"
  said=$( {
    echo "confirmed" >"$STATE/generations/$number/state" && echo "$number" >"$STATE/confirmed.new" &&
      cp "$STATE/generations/$number/minimal.nft" "$STATE/minimal.new" && settle "$STATE/confirmed.new" "$STATE/minimal.new" &&
      mv "$STATE/minimal.new" "$STATE/minimal.nft" && mv "$STATE/confirmed.new" "$STATE/confirmed" && settle "$STATE"
  } 2>&1) || fail no-space "the host could not store that it is confirmed, so it will be taken back: $said"
  rm -rf "$STATE/taken" && mv "$STATE/pending" "$STATE/taken" && rm -rf "$STATE/taken"
  record confirmed "$number" "over $over"
  section generation
  echo "$number"
  install_boot
  start_ends
  prune
}

# $1: the number that is meant, or "any"; $2: why
rollback() {
  must_be_root
  must_have_state
  lock rollback 10
  [ -d "$STATE/pending" ] || fail nothing-pending "nothing waits to be confirmed"
  number=$(line_of "$STATE/pending/number")
  [ "$1" = any ] || [ "$1" = "$number" ] || fail other-pending "generation $number waits to be confirmed, not $1"
  take_back "$2"
  leave
  section generation
  echo "$number"
  section table
  nft list table $TABLE 2>/dev/null || :
}

# Generations beyond the last ones go, but never the confirmed one.
prune() {
  oldest=$(($(highest) - KEPT)) keep=$(line_of "$STATE/confirmed")
  for folder in "$STATE"/generations/*; do
    number=${folder##*/}
    case $number in *[!0-9]* | "" | ??????????*) continue ;; esac
    if [ "$number" -le "$oldest" ] && [ "$number" != "$keep" ]; then rm -rf "$folder"; fi
  done
}

# The boot: the confirmed generation, or where that cannot be loaded what keeps management open; before the network comes up.
boot() {
  must_be_root
  mkdir -p "$RUN" 2>/dev/null
  # What can be read is loaded, though nothing can be written: a disk with errors must not leave the host open.
  if (lock boot 30) >/dev/null 2>&1; then
    is_locked=1
  elif is_alive "$(line_of "$RUN/lock")"; then
    fail busy "another process is changing the firewall of this host now"
  fi
  if [ -d "$STATE/pending" ] && [ "$(line_of "$STATE/pending/boot")" = "$(boot_id)" ]; then
    # This is no boot: it is called while the host runs, as by a restart of its network.
    if is_alive "$(line_of "$STATE/pending/watch")"; then
      echo "generation $(line_of "$STATE/pending/number") waits to be confirmed, so nothing was loaded" >&2
      return 0
    fi
    take_back "its watchdog was dead"
  fi
  rm -f "$RUN/late"
  for folder in "$STATE"/incoming.* "$STATE"/pending.new "$STATE"/taken; do [ ! -e "$folder" ] || rm -rf "$folder"; done
  if [ -d "$STATE/pending" ]; then
    number=$(line_of "$STATE/pending/number")
    if [ "$(line_of "$STATE/confirmed")" != "$number" ]; then
      echo "rolled back: the host was started anew before it was confirmed" >"$STATE/generations/$number/state"
      record rolled-back "$number" "the host was started anew before it was confirmed"
    fi
    rm -rf "$STATE/pending"
  fi
  number=$(line_of "$STATE/confirmed")
  if [ -z "$number" ]; then
    echo "nothing: no generation was ever confirmed" >"$RUN/boot"
    return 0
  fi
  file=$STATE/generations/$number/ruleset.nft
  if ! has nft; then
    why="nft is not installed"
  elif [ ! -s "$file" ] || [ "$(sum_of "$file")" != "$(line_of "$STATE/generations/$number/sum")" ]; then
    why="its file is not what was stored"
  elif why=$(load_anew "$file" exact 2>&1); then
    echo "generation $number" >"$RUN/boot"
    record booted "$number" "loaded at boot"
    start_ends
    return 0
  fi
  record boot-failed "$number" "$why"
  if [ -s "$STATE/minimal.nft" ] && said=$(load_anew "$STATE/minimal.nft" exact 2>&1); then
    echo "minimal: generation $number could not be loaded: $why" >"$RUN/boot"
    record booted-minimal "$number" "only management is open"
  else
    echo "nothing: generation $number could not be loaded: $why; nor the minimal one: ${said:-it is missing}" >"$RUN/boot"
  fi
  ! has logger || logger -p auth.crit -t firewright "$(cat "$RUN/boot")" 2>/dev/null
  cat "$RUN/boot" >&2
  return 1
}

# What loads it at boot, where this host has a way that is known here; once. Never anything that flushes on stop.
install_boot() {
  section boot
  if [ -d "$ROOT/etc/systemd/system" ] && { [ -d /run/systemd/system ] || [ -n "$ROOT" ]; }; then
    unit="$ROOT/etc/systemd/system/firewright.service"
    printf '%s\n' "[Unit]" "Description=Firewall: the last confirmed generation" "DefaultDependencies=no" \
      "Wants=network-pre.target" "Before=network-pre.target shutdown.target" "After=local-fs.target systemd-sysctl.service" \
      "Conflicts=shutdown.target" "RequiresMountsFor=$STATE" "" "[Service]" "Type=oneshot" "RemainAfterExit=yes" \
      "ExecStart=/bin/sh $STATE/host.sh boot" "" "[Install]" "WantedBy=sysinit.target" >"$unit.new" 2>/dev/null &&
      mv "$unit.new" "$unit" || { echo "none: $unit cannot be written" && return; }
    if [ -z "$ROOT" ]; then
      systemctl daemon-reload >/dev/null 2>&1
      systemctl enable firewright.service >/dev/null 2>&1
    fi
    echo "systemd: $unit"
  elif [ -d "$ROOT/etc/network/if-pre-up.d" ]; then
    hook="$ROOT/etc/network/if-pre-up.d/firewright"
    printf '%s\n' "#!/bin/sh" "# Loads the last confirmed generation before the first interface comes up." \
      '[ "$IFACE" = lo ] || [ "$IFACE" = --all ] || exit 0' "sh $STATE/host.sh boot" "exit 0" >"$hook.new" 2>/dev/null &&
      chmod 755 "$hook.new" && mv "$hook.new" "$hook" && echo "ifupdown: $hook" || echo "none: $hook cannot be written"
  elif [ -d "$ROOT/etc/local.d" ]; then
    hook="$ROOT/etc/local.d/firewright.start"
    printf '%s\n' "#!/bin/sh" "sh $STATE/host.sh boot" >"$hook.new" 2>/dev/null && chmod 755 "$hook.new" &&
      mv "$hook.new" "$hook" && echo "openrc: $hook" || echo "none: $hook cannot be written"
  else
    echo "none: run 'sh $STATE/host.sh boot' before the network comes up"
  fi
}

# The timer: when a permission ends, its flows do. It sleeps at most a minute at a time, so that a clock that jumps is followed.
start_ends() {
  stop_ends
  number=$(line_of "$STATE/confirmed")
  [ -s "$STATE/generations/$number/ends" ] || return 0
  in_background firewright-ends ends
}

stop_ends() {
  old=$(line_of "$RUN/ends.pid")
  if is_alive "$old"; then kill "${old%% *}" 2>/dev/null; fi
  ! has_systemd || systemctl stop firewright-ends >/dev/null 2>&1
  rm -f "$RUN/ends.pid"
}

ends() {
  trap '' HUP
  mark_of $$ >"$RUN/ends.pid"
  number=$(line_of "$STATE/confirmed") done_until=0
  file=$STATE/generations/$number/ends
  while [ "$(line_of "$STATE/confirmed")" = "$number" ]; do
    next= time=$(now)
    while read -r instant record; do
      case $instant in *[!0-9]* | "") continue ;; esac
      if [ "$instant" -gt "$time" ]; then
        if [ -z "$next" ] || [ "$instant" -lt "$next" ]; then next=$instant; fi
      elif [ "$instant" -gt "$done_until" ]; then
        end_record $record
      fi
    done <"$file"
    done_until=$time
    [ -n "$next" ] || exit 0
    left=$((next - $(now)))
    [ "$left" -le 60 ] || left=60
    [ "$left" -le 0 ] || sleep "$left"
  done
}

# This host's own addresses, each between blanks, in the words that conntrack has for them.
own_addresses() {
  if has ip; then
    ip -o address show 2>/dev/null | while read -r _ _ _ address _; do printf ' %s' "${address%/*}"; done
  else
    # /proc/net/fib_trie lists an address above the line that says it is the host's.
    while read -r mark address rest; do
      case $mark in "|--") last=$address ;; esac
      case "$mark $address $rest" in "/32 host LOCAL"*) printf ' %s' "$last" ;; esac
    done </proc/net/fib_trie
  fi
  printf ' '
}

is_own() { case $own in *" $1 "*) return 0 ;; *) return 1 ;; esac }
is_within() { [ "$1" -ge "$2" ] && [ "$1" -le "$3" ]; }

# End the flows of a record: family, hook, source and destination as the filter sees them ("-": any), protocols, ports (of ICMP
# type * 256 + code), source ports, each from and to. What a hook says of the ends is asked of this host's own addresses.
end_record() {
  has conntrack || return 0
  family=$1 hook=$2 protocol_from=$5 protocol_to=$6 port_from=$7 port_to=$8
  shift 2
  source_from=$7 source_to=$8
  set -- "$1" "$2" -L -f "ipv$family"
  [ "$1" = - ] || set -- "$@" -s "$1"
  # conntrack takes no prefix for the source of a reply; so a flow whose destination was translated is left to end by itself.
  [ "$2" = - ] || set -- "$@" -d "$2"
  destination=$2
  shift 2
  own=$(own_addresses)
  conntrack "$@" 2>/dev/null | while read -r flow; do
    ends_of "$flow"
    [ "$destination" = - ] || [ "$dst" = "$reply_src" ] || continue
    [ -n "$reply_src" ] && is_within "$proto" "$protocol_from" "$protocol_to" || continue
    case $hook in
    input) is_own "$reply_src" && ! is_own "$src" || continue ;;
    output) is_own "$src" && ! is_own "$reply_src" || continue ;;
    forward) ! is_own "$src" && ! is_own "$reply_src" || continue ;;
    esac
    if [ "$protocol_from" = "$protocol_to" ]; then
      if [ -n "$type" ]; then port=$((type * 256 + code)); else port=${reply_sport:-0}; fi
      is_within "$port" "$port_from" "$port_to" && is_within "${sport:-0}" "$source_from" "$source_to" || continue
    fi
    if end_flow "$family" "$proto" "$src" "$dst" "${sport:--}" "${dport:--}" "${type:--}" "${code:--}" "${id:--}"; then
      record ended - "protocol $proto, $src ${sport:--} to $dst ${dport:--}"
    fi
  done
}

# The ends in a line of conntrack's: of the first packet, and the source of the reply, which is where the packet arrived.
ends_of() {
  src= dst= sport= dport= reply_src= reply_sport= type= code= id=
  set -f
  set -- $1
  set +f
  proto=$2
  for word in "$@"; do
    case $word in
    src=*) if [ -z "$src" ]; then src=${word#src=}; else reply_src=${word#src=}; fi ;;
    dst=*) [ -n "$dst" ] || dst=${word#dst=} ;;
    sport=*) if [ -z "$sport" ] && [ -z "$reply_src" ]; then sport=${word#sport=}; else reply_sport=${word#sport=}; fi ;;
    dport=*) [ -n "$dport" ] || dport=${word#dport=} ;;
    type=*) [ -n "$type" ] || type=${word#type=} ;;
    code=*) [ -n "$code" ] || code=${word#code=} ;;
    id=*) [ -n "$id" ] || id=${word#id=} ;;
    esac
  done
}

# End one flow. Family, protocol, source, destination, source port, port, ICMP's type, code and id; "-" for what it has not.
end_flow() {
  icmp=icmp
  [ "$1" = 4 ] || icmp=icmpv6
  case $2 in 1 | 58) protocol=$icmp ;; *) protocol=$2 ;; esac
  source_port=$5 port=$6 type=$7 code=$8 id=$9
  set -- -D -f "ipv$1" -p "$protocol" -s "$3" -d "$4"
  if [ "$port" != - ]; then
    set -- "$@" --sport "$source_port" --dport "$port"
  elif [ "$type" != - ]; then
    set -- "$@" "--$icmp-type" "$type" "--$icmp-code" "$code" "--$icmp-id" "$id"
  fi
  conntrack "$@" >/dev/null 2>&1
}

# Every tracked flow, in conntrack's words.
flows() {
  section flows
  if has conntrack; then
    conntrack -L -f ipv4 2>/dev/null
    conntrack -L -f ipv6 2>/dev/null
  else
    section flows-unseen
    echo "conntrack is not installed on the host"
  fi
}

# End the flows that the staged list names, in the words of end_flow.
end_flows() {
  must_be_root
  has conntrack || fail no-conntrack "conntrack is not installed on the host, so open flows stay until they end by themselves"
  count=0
  while read -r flow; do
    if end_flow $flow; then count=$((count + 1)); fi
  done <"$incoming/flows"
  record ended - "$count flows inside what closed"
  section ended
  echo "$count"
}

# What is known here of generations, and whether something waits.
state() {
  section host
  echo "name=$(cat /proc/sys/kernel/hostname 2>/dev/null)"
  echo "state=$STATE"
  echo "time=$(now)"
  echo "uptime=$(uptime_)"
  echo "tracked=$(cat /proc/sys/net/netfilter/nf_conntrack_count 2>/dev/null || echo 0)"
  echo "connection=$CONNECTION"
  if [ -n "$CONNECTION" ] && has ip; then
    route=$(ip -o route get "${CONNECTION%%[ %]*}" 2>/dev/null) device=${route##* dev }
    echo "route=$route"
    echo "link=$(ip -o link show dev "${device%% *}" 2>/dev/null)"
  fi
  echo "root=$([ "$(id -u)" = 0 ] && echo yes || echo no)"
  echo "late=$([ -e "$RUN/late" ] && echo yes)"
  section confirmed
  line_of "$STATE/confirmed"
  if [ -d "$STATE/pending" ]; then
    section pending
    echo "number=$(line_of "$STATE/pending/number")"
    left=$(($(line_of "$STATE/pending/since") + $(line_of "$STATE/pending/seconds") - $(uptime_)))
    echo "left=$left"
    if is_alive "$(line_of "$STATE/pending/watch")" && [ "$(line_of "$STATE/pending/boot")" = "$(boot_id)" ]; then
      echo "watchdog=alive"
    else
      echo "watchdog=dead"
    fi
    section before
    cat "$STATE/pending/before"
  fi
  section generations
  for folder in "$STATE"/generations/*; do
    [ -d "$folder" ] || continue
    echo "generation=${folder##*/}"
    echo "state=$(line_of "$folder/state")"
    echo "tracking=$(line_of "$folder/tracking")"
    cat "$folder/meta" 2>/dev/null
  done
  section journal
  tail -n 2000 "$STATE/journal" 2>/dev/null
  section boot
  line_of "$RUN/boot"
  section boot-way
  for file in "$ROOT/etc/systemd/system/firewright.service" "$ROOT/etc/network/if-pre-up.d/firewright" "$ROOT/etc/local.d/firewright.start"; do
    [ ! -e "$file" ] || echo "$file"
  done
  section ends
  if is_alive "$(line_of "$RUN/ends.pid")"; then echo alive; else echo none; fi
  section sum
  listed_sum
  if nft list table $TABLE >/dev/null 2>&1; then
    section table
    nft list table $TABLE
  fi
}

# A file of a generation. $1: its number, $2: the file
generation() {
  case $1 in *[!0-9]* | "") fail no-generation "there is no generation $1" ;; esac
  [ -r "$STATE/generations/$1/$2" ] || fail no-generation "there is no generation $1 on this host, or nobody else than root may read it"
  section file
  cat "$STATE/generations/$1/$2"
}

# Everything a plan asks about, over one connection.
survey() {
  state
  flows
  look
}

# Run one of the above. All output of ours is in sections; the last says that nothing is missing.
run() {
  "$@"
  result=$?
  section end
  return $result
}

case ${1:-} in
watch | boot | ends)
  "$@"
  exit
  ;;
esac
