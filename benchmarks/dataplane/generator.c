/*
 * Sends prepared Ethernet frames from one network namespace and says how long the kernel took, or which of them arrived.
 *
 *   generator rate  CLIENT DEVICE FRAMES SECONDS CPU        -> "packets nanoseconds", whole passes over the file only
 *                                                           (three or more; one if SECONDS is 0)
 *   generator probe CLIENT DEVICE FRAMES SERVER DEVICE CPU  -> one character a frame: 1 arrived, 0 did not
 *
 * CLIENT and SERVER are paths of namespaces. FRAMES holds frames, each after its length (two bytes, little endian).
 * A veth pair hands a frame over in a softirq on the same core before sendmmsg returns: the time of a batch is the time of
 * sending, receiving, filtering and forwarding it. Each batch is timed by itself; of all passes the median of each batch
 * counts, so that a core taken away for a while by others does not.
 * In a probe the last four bytes of a frame are its number (little endian), by which it is known when it arrives.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, MOST_PASSES = 4096 };

static struct mmsghdr *message;
static int frames;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return 1e9 * t.tv_sec + t.tv_nsec;
}

static void pin(int cpu)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof set, &set))
		fail("sched_setaffinity");
}

/* A packet socket on a device of a namespace; protocol 0 only sends. */
static int open_in(const char *space, const char *device, int protocol)
{
	int one = 1, size = 1 << 28, handle = open(space, O_RDONLY);
	if (handle < 0 || setns(handle, CLONE_NEWNET))
		fail(space);
	close(handle);
	int found = socket(AF_PACKET, SOCK_RAW, 0);
	if (found < 0)
		fail("socket");
	setsockopt(found, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
	setsockopt(found, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	setsockopt(found, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(protocol) };
	at.sll_ifindex = if_nametoindex(device);
	if (!at.sll_ifindex || bind(found, (struct sockaddr *)&at, sizeof at))
		fail(device);
	return found;
}

static void read_frames(const char *path)
{
	FILE *file = fopen(path, "rb");
	unsigned char size[2];
	int room = 0;
	if (!file)
		fail(path);
	while (fread(size, 1, 2, file) == 2) {
		if (frames == room && !(message = realloc(message, (room += 65536) * sizeof *message)))
			fail("memory");
		struct iovec *piece = malloc(sizeof *piece);
		piece->iov_len = size[0] | size[1] << 8;
		piece->iov_base = malloc(piece->iov_len);
		if (fread(piece->iov_base, 1, piece->iov_len, file) != piece->iov_len)
			fail("a frame that is cut off");
		memset(&message[frames], 0, sizeof *message);
		message[frames].msg_hdr.msg_iov = piece;
		message[frames++].msg_hdr.msg_iovlen = 1;
	}
	fclose(file);
}

static void send_batch(int socket, int from, int to)
{
	while (from < to) {
		int sent = sendmmsg(socket, message + from, to - from, 0);
		if (sent > 0)
			from += sent;
		else if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			fail("sendmmsg");
	}
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void rate(int socket, double seconds)
{
	int batches = (frames + BATCH - 1) / BATCH, passes = 0;
	double *taken = malloc(sizeof(double) * batches * MOST_PASSES), begun = now(), total = 0;
	while (passes < MOST_PASSES && (passes < (seconds > 0 ? 3 : 1) || now() - begun < 1e9 * seconds)) {
		for (int batch = 0; batch < batches; batch++) {
			int to = (batch + 1) * BATCH < frames ? (batch + 1) * BATCH : frames;
			double before = now();
			send_batch(socket, batch * BATCH, to);
			taken[(long)batch * MOST_PASSES + passes] = now() - before;
		}
		passes++;
	}
	for (int batch = 0; batch < batches; batch++) {
		double *one = taken + (long)batch * MOST_PASSES;
		qsort(one, passes, sizeof *one, by_size);
		total += one[passes / 2];
	}
	printf("%ld %.2f\n", (long)frames * passes, total / frames);
}

static void probe(int out, int in)
{
	char *arrived = malloc(frames + 1);
	unsigned char heard[2048];
	memset(arrived, '0', frames);
	arrived[frames] = 0;
	for (int at = 0; at <= frames; at += BATCH) {
		int to = at + BATCH < frames ? at + BATCH : frames;
		if (at < to)
			send_batch(out, at, to);
		if (to == frames)
			usleep(200000);
		for (ssize_t size; (size = recv(in, heard, sizeof heard, MSG_DONTWAIT | MSG_TRUNC)) > 0;) {
			unsigned number;
			if (size < 20 || size > (ssize_t)sizeof heard)
				continue;
			memcpy(&number, heard + size - 4, 4);
			if (number < (unsigned)frames)
				arrived[number] = '1';
		}
	}
	puts(arrived);
}

int main(int count, char **word)
{
	if (count < 7)
		return 2;
	read_frames(word[4]);
	if (!strcmp(word[1], "rate")) {
		pin(atoi(word[6]));
		rate(open_in(word[2], word[3], 0), atof(word[5]));
	} else if (count == 8) {
		pin(atoi(word[7]));
		int in = open_in(word[5], word[6], ETH_P_ALL);
		probe(open_in(word[2], word[3], 0), in);
	} else
		return 2;
	return 0;
}
