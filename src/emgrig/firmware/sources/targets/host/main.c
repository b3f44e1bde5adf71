/* main.c: the firmware as a program on this machine: TCP towards the PC, emgrig's bench as chips.
 *
 *     emgrig attach --processor none -- ./board 4299
 *     emgrig info tcp://127.0.0.1:4299
 *
 * The bench's time is the program's, and it is kept at that of the wall (pace.h).
 *
 * Part of emgrig, MIT licence.
 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200112L
#endif

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench_hal.h"
#include "pace.h"

#define IDLE_US 1000u
#ifndef EMG_GIT_REVISION
#define EMG_GIT_REVISION "not told"
#endif

static struct emg_board board;
static int sockets[EMG_MAX_LINKS]; /* -1: nobody */
static bool is_gone[EMG_MAX_LINKS];
static bool is_reboot_asked;

static size_t receive_bytes(void *context, uint8_t link, uint8_t *bytes, size_t n)
{
    (void)context;
    const ssize_t got = recv(sockets[link], bytes, n, 0);
    if (got > 0) {
        pace_follow();
    }
    if ((got == 0) || ((got < 0) && (errno != EAGAIN) && (errno != EWOULDBLOCK))) {
        is_gone[link] = true;
    }
    return (got > 0) ? (size_t)got : 0u;
}

static size_t send_bytes(void *context, uint8_t link, const uint8_t *bytes, size_t n)
{
    (void)context;
    const ssize_t gone = send(sockets[link], bytes, n, 0);
    if ((gone < 0) && (errno != EAGAIN) && (errno != EWOULDBLOCK)) {
        is_gone[link] = true;
    }
    return (gone > 0) ? (size_t)gone : 0u;
}

static void blink(void *context, uint16_t ms)
{
    (void)context;
    (void)printf("blinks for %u ms\n", (unsigned)ms);
}

static void show(void *context, uint32_t count)
{
    (void)context;
    (void)printf("shows %lu\n", (unsigned long)count);
}

static void reboot(void *context)
{
    (void)context;
    is_reboot_asked = true;
}

/* A socket that listens at 127.0.0.1; `port` 0 takes a free one. Its port is printed. */
static int listener(uint16_t port)
{
    struct sockaddr_in name;
    socklen_t length = sizeof name;
    int on = 1;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)memset(&name, 0, sizeof name);
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if ((fd < 0) || (bind(fd, (struct sockaddr *)&name, sizeof name) != 0) ||
        (listen(fd, 4) != 0) || (getsockname(fd, (struct sockaddr *)&name, &length) != 0) ||
        (fcntl(fd, F_SETFL, O_NONBLOCK) != 0)) {
        (void)fprintf(stderr, "board: cannot listen at 127.0.0.1:%u: %s\n", (unsigned)port,
                      strerror(errno));
        exit(3);
    }
    (void)printf("tcp://127.0.0.1:%u\n", (unsigned)ntohs(name.sin_port));
    (void)fflush(stdout);
    return fd;
}

static void accept_and_close(int listening)
{
    for (uint8_t link = 0; link < EMG_MAX_LINKS; link++) {
        if (is_gone[link]) {
            is_gone[link] = false;
            emg_disconnected(&board, link);
            (void)close(sockets[link]);
            sockets[link] = -1;
        }
        if (sockets[link] < 0) {
            int on = 1;
            sockets[link] = accept(listening, NULL, NULL);
            if (sockets[link] >= 0) {
                (void)fcntl(sockets[link], F_SETFL, O_NONBLOCK);
                (void)setsockopt(sockets[link], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                emg_connected(&board, link);
            }
        }
    }
}

int main(int argc, char **argv)
{
    static const struct emg_facts facts = {
        .serial_number = "HOST-0001",
        .firmware_version = "1.0.0",
        .git_revision = EMG_GIT_REVISION,
        .n_chips = EMG_MAX_CHIPS,
        .channels_per_chip = 8,
        .lines = 7,
        .f_clk_hz = 2048000,
        .vref_uv = 4500000,
        .channels_wired = 0xFFu,
        .capabilities = EMG_CAN_SET_LINE | EMG_CAN_IDENTIFY | EMG_CAN_COUNTER | EMG_CAN_REBOOT |
                        EMG_IS_SIMULATED,
        .transmit_bytes = EMG_TX_BYTES,
        .linger_us = 60000000u,
    };
    static struct emg_hal hal = {.receive = receive_bytes,
                                 .send = send_bytes,
                                 .blink = blink,
                                 .show = show,
                                 .reboot = reboot};
    const long port = (argc > 1) ? strtol(argv[1], NULL, 10) : 4299;
    if ((port < 0) || (port > 65535)) {
        (void)fprintf(stderr, "board: %s is no port; expected 0 to 65535\n", argv[1]);
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    for (uint8_t link = 0; link < EMG_MAX_LINKS; link++) {
        sockets[link] = -1;
    }
    bench_hal(&hal, &board, facts.n_chips);
    pace_hal(&hal, &board);
    emg_board_init(&board, &hal, &facts);
    emg_boot(&board, EMG_CAUSE_POWER_ON);
    const int listening = listener((uint16_t)port);
    for (;;) {
        accept_and_close(listening);
        if (!emg_poll(&board)) {
            hal.idle_us(NULL, IDLE_US);
        }
        if (is_reboot_asked) {
            is_reboot_asked = false;
            bench_restart();
            emg_boot(&board, EMG_CAUSE_REQUESTED);
        }
    }
}
