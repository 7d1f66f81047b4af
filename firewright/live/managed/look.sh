# look: what this host is and which firewalls it has, read and never changed.
#
# Each section begins with a line `--- $TOKEN NAME`. TOKEN is a random word of the caller's, so nothing that stands in a
# ruleset or in the name of an interface is taken for a section. The last section is `looked`: without it the answer was cut off.
# Of a command NAME.code is how it ended and NAME.said what it wrote to its standard error.

look_section() {
	printf -- '--- %s %s\n' "$TOKEN" "$1"
}

look_command() { # NAME WORD...
	look_name=$1
	shift
	look_section "$look_name"
	look_said=$("$@" 2>&1 >&3 3>&- </dev/null)
	look_code=$?
	look_section "$look_name.code"
	printf '%s\n' "$look_code"
	look_section "$look_name.said"
	printf '%s\n' "$look_said"
}

look_file() { # NAME PATH
	look_section "$1"
	if [ -r "$2" ]; then cat "$2" 2>/dev/null; fi
}

look_has() {
	command -v "$1" >/dev/null 2>&1
}

look_settings() { # NAME FAMILY SETTING: the setting of each interface
	look_section "$1"
	for look_path in "/proc/sys/net/$2/conf"/*/"$3"; do
		look_value=
		# A shell that reads byte by byte gets only the first one of these files, and no end of line.
		read -r look_value <"$look_path"
		look_path=${look_path%/*}
		printf '%s %s\n' "${look_path##*/}" "$look_value"
	done 2>/dev/null
}

look_user() { # the number of the user that this runs as
	while read -r look_key look_real look_rest; do
		if [ "$look_key" = Uid: ]; then printf '%s\n' "${look_rest%%[!0-9]*}"; fi
	done </proc/self/status
}

look_addresses() {
	if look_has ip; then
		look_command addresses ip -o address show
		look_command routes4 ip -4 route show table all default
		look_command routes6 ip -6 route show table all default
		return
	fi
	look_file fib_trie /proc/net/fib_trie
	look_section route
	# The routes that are no default and have a gateway are left out: there can be a million.
	while read -r look_interface look_to look_via look_rest; do
		case $look_to/$look_via in
		00000000/* | */00000000) printf '%s %s %s %s\n' "$look_interface" "$look_to" "$look_via" "$look_rest" ;;
		esac
	done </proc/net/route 2>/dev/null
	look_file if_inet6 /proc/net/if_inet6
	look_section ipv6_route
	while read -r look_to look_length look_rest; do
		case $look_to/$look_length in
		00000000000000000000000000000000/00) printf '%s %s %s\n' "$look_to" "$look_length" "$look_rest" ;;
		esac
	done </proc/net/ipv6_route 2>/dev/null
}

look_saver() { # PREFIX KIND: the program that saves the tables of iptables of one kind, nft or legacy
	if look_has "$1-$2-save"; then
		printf '%s\n' "$1-$2-save"
	elif look_has "$1-save"; then
		case $("$1" --version 2>/dev/null </dev/null)/$2 in
		*nf_tables*/nft) printf '%s\n' "$1-save" ;;
		*nf_tables*/legacy) ;;
		*/legacy) printf '%s\n' "$1-save" ;;
		esac
	fi
}

look_is_line() { # LINE TEXT: whether a text has such a line
	case "
$2
" in
	*"
$1
"*) return 0 ;;
	esac
	return 1
}

look_xtables() { # PREFIX FAMILY NAMES: what iptables says of its tables
	look_section "names.$2"
	if [ -e "$3" ]; then
		if look_names=$(cat "$3" 2>/dev/null); then printf '%s\n' "$look_names"; else printf 'hidden\n'; fi
	else
		look_names=
	fi
	look_program=$(look_saver "$1" legacy)
	# Only what is there already: asked for another table, iptables would make it.
	for look_table in raw mangle nat filter security; do
		if [ -n "$look_program" ] && look_is_line "$look_table" "$look_names"; then
			look_command "legacy.$2.$look_table" "$look_program" -t "$look_table"
		fi
	done
	look_program=$(look_saver "$1" nft)
	if [ -n "$look_program" ]; then
		case $2 in 4) look_family=ip ;; *) look_family=ip6 ;; esac
		look_names=$(nft list tables 2>/dev/null </dev/null)
		for look_table in raw mangle nat filter security; do
			if look_is_line "table $look_family $look_table" "$look_names"; then
				look_command "nft.$2.$look_table" "$look_program" -t "$look_table"
			fi
		done
	fi
}

look() ( # in a shell of its own: nothing that is set here stays
	PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	LC_ALL=C
	TZ=UTC0
	export PATH LC_ALL TZ
	exec 3>&1
	look_file hostname /proc/sys/kernel/hostname
	look_file kernel /proc/sys/kernel/osrelease
	look_file first /proc/1/comm
	look_file uptime /proc/uptime
	look_section time
	date +%s
	look_section user
	look_user
	look_section sudo
	if look_has sudo && sudo -n true >/dev/null 2>&1 </dev/null; then printf 'yes\n'; else printf 'no\n'; fi
	look_section ssh
	# Where sudo takes the variable away, the program around this was given it.
	printf '%s\n' "${CONNECTION:-${SSH_CONNECTION:-}}"
	look_section programs
	for look_one in nft conntrack systemctl systemd-run setsid unshare ip sysctl iptables-nft-save ip6tables-nft-save; do
		if look_has "$look_one"; then printf '%s\n' "$look_one"; fi
	done
	look_command version nft --version
	look_command nft nft list ruleset
	look_xtables iptables 4 /proc/net/ip_tables_names
	look_xtables ip6tables 6 /proc/net/ip6_tables_names
	look_addresses
	look_file interfaces /proc/net/dev
	look_settings forwarding4 ipv4 forwarding
	look_settings forwarding6 ipv6 forwarding
	look_settings route_localnet ipv4 route_localnet
	look_section looked
)
