# A desktop's firewall over iptables: closed, but for ssh.
set -e
for program in iptables-nft ip6tables-nft; do
	case $program in ip6*) ufw=ufw6 ;; *) ufw=ufw ;; esac
	$program -P INPUT DROP
	for chain in before-input user-input; do $program -N $ufw-$chain; $program -A INPUT -j $ufw-$chain; done
	$program -A $ufw-before-input -i lo -j ACCEPT
	$program -A $ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
	$program -A $ufw-before-input -m conntrack --ctstate INVALID -j DROP
	$program -A $ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT
done
iptables-nft -A ufw-before-input -p icmp -m icmp --icmp-type 8 -j ACCEPT
ip6tables-nft -A ufw6-before-input -p ipv6-icmp -j ACCEPT
