# A container 172.18.0.2 behind the bridge br0, whose port 80 is published at 8080, as Docker does it with iptables.
set -e
ip link add br0 type veth peer name box0
ip link set br0 up
ip address add 172.18.0.1/16 dev br0
echo 1 >/proc/sys/net/ipv4/ip_forward
iptables-nft -P FORWARD DROP
for chain in DOCKER DOCKER-USER DOCKER-FORWARD; do iptables-nft -N $chain; done
iptables-nft -A FORWARD -j DOCKER-USER
iptables-nft -A FORWARD -j DOCKER-FORWARD
iptables-nft -A DOCKER-FORWARD -o br0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
iptables-nft -A DOCKER-FORWARD -o br0 -j DOCKER
iptables-nft -A DOCKER-FORWARD -i br0 -j ACCEPT
iptables-nft -A DOCKER -d 172.18.0.2/32 ! -i br0 -o br0 -p tcp -m tcp --dport 80 -j ACCEPT
iptables-nft -t nat -N DOCKER
iptables-nft -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
iptables-nft -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
iptables-nft -t nat -A POSTROUTING -s 172.18.0.0/16 ! -o br0 -j MASQUERADE
iptables-nft -t nat -A DOCKER ! -i br0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.18.0.2:80
