/* emgrig_chip.c: see emgrig_chip.h. What goes over the socket: docs/attach-socket.md of emgrig.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200112L
#endif
#ifndef _DARWIN_C_SOURCE
#define _DARWIN_C_SOURCE 1
#endif

#include "emgrig_chip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef _WIN32
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#endif

#define MOST_BYTES 65536u /* of a message */
#define MOST_US 60e6      /* in one message */
#define HEAD 13u          /* of an answer: status, time, falls */
#define MOST_HEAD 40u     /* of a request, before the bytes */
#define FREE_LOOKS 3u
#define LONGEST_LOOK_US 64.0

enum {
    HELLO = 0x00,
    ADVANCE = 0x01,
    WAIT_DRDY = 0x03,
    SELECT = 0x10,
    DESELECT = 0x11,
    BYTE = 0x12,
    EXCHANGE = 0x13,
    TRANSFER = 0x14,
    WAIT_TRANSFER = 0x15,
    SET_PIN = 0x20,
    PIN = 0x21,
    DRDY_COUNT = 0x22,
    CLAIM = 0x33
};

static char error_text[512];
static void (*error_handler)(const char *text);
static const emgrig_host *host;
static int spi_mode = 1;
static double spi_sclk_hz = 1e6;
static unsigned looks;
static double stop_us = -1.0; /* below 0: not looked for yet */

/* ---- the socket ---------------------------------------------------------------------------- */

static double socket_now_us;
static uint32_t socket_falls;
static int link_fd = -1;
static uint8_t request[4 + MOST_BYTES];
static size_t request_end;
static uint8_t answer[MOST_BYTES];
static size_t answer_size;

static int fail(int code, const char *what, const char *why)
{
    snprintf(error_text, sizeof error_text, "%s%s%s", what, *why ? ": " : "", why);
    if (error_handler != NULL) {
        error_handler(error_text);
        return -1;
    }
    fflush(stdout);
    fprintf(stderr, "emgrig_chip: %s\n", error_text);
    exit(code);
}

static void put_int(uint64_t value, unsigned n_bytes)
{
    unsigned i;
    for (i = 0; i < n_bytes; i++) {
        request[request_end++] = (uint8_t)(value >> (8u * i) & 0xFFu);
    }
}

static void put_double(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_int(bits, 8);
}

static void put_bytes(const void *bytes, size_t n)
{
    if (bytes != NULL) {
        memcpy(request + request_end, bytes, n);
    } else {
        memset(request + request_end, 0, n);
    }
    request_end += n;
}

static uint64_t get_int(const uint8_t *bytes, unsigned n_bytes)
{
    uint64_t value = 0;
    while (n_bytes-- > 0) {
        value = value << 8 | bytes[n_bytes];
    }
    return value;
}

static double get_double(const uint8_t *bytes)
{
    uint64_t bits = get_int(bytes, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The chip as a byte, or -1: no message can say it. */
static int begin(int verb, int chip)
{
    if (chip < -1 || chip > 254) {
        char number[24];
        snprintf(number, sizeof number, "no chip %d", chip);
        return fail(2, number, "the first is 0");
    }
    request_end = 4;
    put_int((uint64_t)verb, 1);
    return chip == EMGRIG_ALL ? 0xFF : chip;
}

#ifdef _WIN32

static int connect_to(const char *address)
{
    return fail(3, address, "no sockets in this library on Windows; load it into Python instead");
}

static int send_all(void) { return -1; }
static int receive_all(uint8_t *into, size_t n)
{
    (void)into;
    (void)n;
    return -1;
}

#else

static int connect_unix(const char *path)
{
    struct sockaddr_un name;
    int fd;
    memset(&name, 0, sizeof name);
    name.sun_family = AF_UNIX;
    if (strlen(path) >= sizeof name.sun_path) {
        return fail(2, path, "too long for a unix socket");
    }
    memcpy(name.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&name, sizeof name) != 0) {
        if (fd >= 0) {
            close(fd);
        }
        return fail(3, "no bench at unix socket", strerror(errno));
    }
    return fd;
}

static int connect_tcp(const char *rest)
{
    char text[256];
    char *name = text;
    char *colon;
    struct addrinfo hints;
    struct addrinfo *found = NULL;
    struct addrinfo *one;
    int fd = -1;
    int on = 1;
    if (strlen(rest) >= sizeof text) {
        return fail(2, rest, "too long for an address");
    }
    strcpy(text, rest);
    colon = strrchr(text, ':');
    if (colon == NULL || colon == text || colon[1] == '\0') {
        return fail(2, rest, "no address of a bench; expected tcp://HOST:PORT");
    }
    *colon = '\0';
    if (*name == '[' && colon[-1] == ']') { /* IPv6 */
        name++;
        colon[-1] = '\0';
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(name, colon + 1, &hints, &found) != 0) {
        return fail(3, rest, "no such host or port");
    }
    for (one = found; one != NULL && fd < 0; one = one->ai_next) {
        fd = socket(one->ai_family, one->ai_socktype, one->ai_protocol);
        if (fd >= 0 && connect(fd, one->ai_addr, one->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(found);
    if (fd < 0) {
        return fail(3, "no bench there", rest);
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static int connect_to(const char *address)
{
    signal(SIGPIPE, SIG_IGN); /* a bench that is gone is told by send */
    if (strncmp(address, "unix:", 5) == 0) {
        return connect_unix(address + 5);
    }
    if (strncmp(address, "tcp://", 6) == 0) {
        return connect_tcp(address + 6);
    }
    return fail(2, address, "no address of a bench; expected unix:/path or tcp://HOST:PORT");
}

static int send_all(void)
{
    size_t at = 0;
    while (at < request_end) {
        ssize_t n = send(link_fd, request + at, request_end - at, 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return -1;
        }
        at += (size_t)n;
    }
    return 0;
}

/* How often it is looked for an answer without sleeping: to be woken costs more than an answer takes. */
#define LOOKS_AWAKE 3000
/* Unless others want the processor: then a look that makes way for them takes their whole turn, and who sleeps
 * is let in first. So many answers are slept for before it is tried again. */
#define BUSY_NS 200000L
#define ANSWERS_ASLEEP 1000

#if defined(MSG_DONTWAIT) && defined(_SC_NPROCESSORS_ONLN)
/* Let others have the processor; 1 if they took it for long. */
static int make_way(void)
{
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    sched_yield();
    clock_gettime(CLOCK_MONOTONIC, &after);
    return after.tv_sec > before.tv_sec + 1 ||
           (after.tv_sec - before.tv_sec) * 1000000000L + (after.tv_nsec - before.tv_nsec) > BUSY_NS;
}
#endif

static ssize_t receive_some(uint8_t *into, size_t n)
{
#if defined(MSG_DONTWAIT) && defined(_SC_NPROCESSORS_ONLN)
    static long processors = 0;
    static int asleep = 0;
    int look = 0;
    if (processors == 0) {
        processors = sysconf(_SC_NPROCESSORS_ONLN);
    }
    if (asleep > 0) {
        asleep--;
        look = LOOKS_AWAKE;
    }
    for (; processors > 1 && look < LOOKS_AWAKE; look++) {
        ssize_t got = recv(link_fd, into, n, MSG_DONTWAIT);
        if (got >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) {
            return got;
        }
        if (make_way()) { /* whoever answers may need this processor */
            asleep = ANSWERS_ASLEEP;
            break;
        }
    }
#endif
    return recv(link_fd, into, n, 0);
}

static int receive_all(uint8_t *into, size_t n)
{
    while (n > 0) {
        ssize_t got = receive_some(into, n);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return -1;
        }
        into += got;
        n -= (size_t)got;
    }
    return 0;
}

#endif

static int lost(void)
{
    emgrig_close();
    return fail(3, "the bench is gone", "");
}

/* Send the request, take the answer. 0, or -1 with what the bench said in error_text. */
static int ask(void)
{
    size_t n = request_end - 4;
    size_t end = request_end;
    uint8_t length[4];
    if (link_fd < 0) {
        return fail(3, "the bench is not open", "");
    }
    request_end = 0;
    put_int(n, 4);
    request_end = end;
    if (send_all() != 0 || receive_all(length, 4) != 0) {
        return lost();
    }
    answer_size = (size_t)get_int(length, 4);
    if (answer_size < HEAD || answer_size > sizeof answer) {
        emgrig_close();
        return fail(3, "what answers is no bench", "");
    }
    if (receive_all(answer, answer_size) != 0) {
        return lost();
    }
    socket_now_us = get_double(answer + 1) * 1e6;
    socket_falls = (uint32_t)get_int(answer + 9, 4);
    if (answer[0] != 0) {
        char said[400];
        size_t n_said = answer_size - HEAD;
        n_said = n_said < sizeof said - 1 ? n_said : sizeof said - 1;
        memcpy(said, answer + HEAD, n_said);
        said[n_said] = '\0';
        return fail(answer[0] == 1 ? 2 : 3, said, "");
    }
    return 0;
}

/* The first byte of the answer, or -1. */
static int ask_byte(void)
{
    if (ask() != 0) {
        return -1;
    }
    return answer_size > HEAD ? answer[HEAD] : fail(3, "what answers is no bench", "");
}

static int socket_advance_us(double us)
{
    while (us > MOST_US) {
        begin(ADVANCE, 0);
        put_double(MOST_US * 1e-6);
        if (ask() != 0) {
            return -1;
        }
        us -= MOST_US;
    }
    begin(ADVANCE, 0);
    put_double(us * 1e-6);
    return ask();
}

static int put_wait(int verb, int chip, int edge, double timeout_us)
{
    int which = begin(verb, chip);
    if (which < 0) {
        return -1;
    }
    put_int((uint64_t)which, 1);
    put_int(edge != 0, 1);
    put_double(timeout_us * 1e-6);
    return 0;
}

static void put_clocking(int mode, double sclk_hz)
{
    put_int((uint64_t)(mode & 0xFF), 1);
    put_double(sclk_hz);
}

static int fits(size_t n)
{
    return n <= MOST_BYTES - MOST_HEAD ? 0 : fail(2, "too many bytes for one transfer", "");
}

static int take(uint8_t *rx, size_t n, size_t at)
{
    if (answer_size != HEAD + at + n) {
        return fail(3, "what answers is no bench", "");
    }
    if (rx != NULL) {
        memcpy(rx, answer + HEAD + at, n);
    }
    return 0;
}

static int socket_wait_drdy(int chip, int edge, double timeout_us)
{
    while (timeout_us > MOST_US) {
        int seen = put_wait(WAIT_DRDY, chip, edge, MOST_US) != 0 ? -1 : ask_byte();
        if (seen != 0) {
            return seen;
        }
        timeout_us -= MOST_US;
    }
    return put_wait(WAIT_DRDY, chip, edge, timeout_us) != 0 ? -1 : ask_byte();
}

static int socket_set_cs(int chip, int level)
{
    int which = begin(level ? DESELECT : SELECT, chip);
    if (which < 0) {
        return -1;
    }
    put_int((uint64_t)which, 1);
    return ask();
}

static int socket_byte(int mosi, int mode, double sclk_hz)
{
    begin(BYTE, 0);
    put_int((uint64_t)(mosi & 0xFF), 1);
    put_clocking(mode, sclk_hz);
    return ask_byte();
}

static int socket_exchange(const uint8_t *tx, uint8_t *rx, size_t n, int mode, double sclk_hz)
{
    if (fits(n) != 0) {
        return -1;
    }
    begin(EXCHANGE, 0);
    put_clocking(mode, sclk_hz);
    put_double(0.0);
    put_bytes(tx, n);
    return ask() != 0 ? -1 : take(rx, n, 0);
}

static int socket_transfer(int chip, const uint8_t *tx, uint8_t *rx, size_t n, int mode,
                           double sclk_hz)
{
    int which = fits(n) != 0 ? -1 : begin(TRANSFER, chip);
    if (which < 0) {
        return -1;
    }
    put_int((uint64_t)which, 1);
    put_clocking(mode, sclk_hz);
    put_double(0.0);
    put_bytes(tx, n);
    return ask() != 0 ? -1 : take(rx, n, 0);
}

static int socket_wait_transfer(int chip, int edge, double timeout_us, const uint8_t *tx,
                                uint8_t *rx, size_t n, int mode, double sclk_hz)
{
    int seen;
    if (timeout_us > MOST_US) {
        seen = socket_wait_drdy(chip, edge, timeout_us);
        if (seen != 1) {
            return seen;
        }
        edge = 0; /* it is low now */
        timeout_us = 0.0;
    }
    if (fits(n) != 0 || put_wait(WAIT_TRANSFER, chip, edge, timeout_us) != 0) {
        return -1;
    }
    put_clocking(mode, sclk_hz);
    put_double(0.0);
    put_bytes(tx, n);
    seen = ask_byte();
    return seen == 1 && take(rx, n, 1) != 0 ? -1 : seen;
}

static int put_pin(int verb, int chip, const char *name, int level)
{
    int which;
    if (strlen(name) > 32) {
        return fail(2, "no such pin", name);
    }
    which = begin(verb, chip);
    if (which < 0) {
        return -1;
    }
    if (verb == SET_PIN) {
        put_int(level != 0, 1);
    }
    put_int((uint64_t)which, 1);
    put_bytes(name, strlen(name));
    return 0;
}

static int socket_pin_set(int chip, const char *name, int level)
{
    return put_pin(SET_PIN, chip, name, level) != 0 ? -1 : ask();
}

static int socket_pin_get(int chip, const char *name)
{
    return put_pin(PIN, chip, name, 0) != 0 ? -1 : ask_byte();
}

static int64_t socket_drdy_count(int chip)
{
    int which = begin(DRDY_COUNT, chip);
    if (which < 0) {
        return -1;
    }
    put_int((uint64_t)which, 1);
    if (ask() != 0 || take(NULL, 8, 0) != 0) {
        return -1;
    }
    return (int64_t)get_int(answer + HEAD, 8);
}

static int socket_claim(int channel, double microvolts)
{
    if (channel < 0 || channel > 0xFFFF) {
        return fail(2, "no such channel", "the first is 1");
    }
    begin(CLAIM, 0);
    put_int((uint64_t)channel, 2);
    put_double(microvolts);
    return ask();
}

static const char *socket_error(void) { return error_text; }

static emgrig_host by_socket = {
    sizeof(emgrig_host), &socket_now_us,       &socket_falls,        0.0,
    socket_advance_us,   socket_wait_drdy,     socket_set_cs,        socket_byte,
    socket_exchange,     socket_transfer,      socket_wait_transfer, socket_pin_set,
    socket_pin_get,      socket_drdy_count,    socket_claim,         socket_error};

/* ---- what is called ------------------------------------------------------------------------ */

int emgrig_open(const char *address)
{
    static const char magic[] = "emgrig";
    if (address == NULL) {
        address = getenv("EMGRIG_ATTACH");
    }
    if (address == NULL || *address == '\0') {
        return fail(3, "no bench", "run this program under `emgrig attach`");
    }
    emgrig_close();
    host = &by_socket;
    link_fd = connect_to(address);
    if (link_fd < 0) {
        return -1;
    }
    begin(HELLO, 0);
    put_bytes(magic, 6);
    put_int(1, 2);
    if (ask() != 0) {
        emgrig_close();
        return -1;
    }
    if (answer_size < HEAD + 20) {
        emgrig_close();
        return fail(3, address, "what answers is no bench");
    }
    by_socket.call_us = get_double(answer + HEAD + 4) * 1e6;
    return 0;
}

void emgrig_close(void)
{
#ifndef _WIN32
    if (link_fd >= 0) {
        close(link_fd);
    }
#endif
    link_fd = -1;
    if (host == &by_socket) {
        host = NULL;
    }
}

int emgrig_set_host(const emgrig_host *given)
{
    if (given != NULL && given->size != sizeof *given) {
        return -1;
    }
    emgrig_close();
    host = given;
    return 0;
}

static int is_open(void) { return host != NULL || emgrig_open(NULL) == 0; }

/* Something was done: end the program if its time is over. */
static void done(void)
{
    looks = 0;
    if (stop_us < 0) {
        emgrig_stop_after_s(0.0);
    }
    if (stop_us > 0 && host == &by_socket && *host->now_us >= stop_us) {
        fflush(stdout);
        exit(0);
    }
}

/* Something was looked at: let time pass if nothing else is done. */
static void look(int chip)
{
    double us;
    uint32_t falls;
    unsigned kept = ++looks;
    if (kept <= FREE_LOOKS) {
        return;
    }
    us = host->call_us > 1.0 ? host->call_us : 1.0;
    us *= (double)(1u << (kept / 4u < 6u ? kept / 4u : 6u));
    falls = *host->falls;
    host->wait_drdy(chip, 1, us < LONGEST_LOOK_US ? us : LONGEST_LOOK_US);
    done();
    looks = *host->falls == falls ? kept : 0;
}

double emgrig_now_us(void)
{
    if (!is_open()) {
        return 0.0;
    }
    look(0);
    return *host->now_us;
}

int emgrig_advance_us(double us)
{
    int result = is_open() ? host->advance_us(us) : -1;
    done();
    return result;
}

int emgrig_wait_drdy(int chip, int edge, double timeout_us)
{
    int result = is_open() ? host->wait_drdy(chip, edge, timeout_us) : -1;
    done();
    return result;
}

void emgrig_clocking(int mode, double sclk_hz)
{
    spi_mode = mode;
    spi_sclk_hz = sclk_hz;
}

int emgrig_select(int chip)
{
    int result = is_open() ? host->set_cs(chip, 0) : -1;
    done();
    return result;
}

int emgrig_deselect(int chip)
{
    int result = is_open() ? host->set_cs(chip, 1) : -1;
    done();
    return result;
}

int emgrig_byte(uint8_t mosi)
{
    int result = is_open() ? host->byte(mosi, spi_mode, spi_sclk_hz) : -1;
    done();
    return result;
}

int emgrig_exchange(const uint8_t *tx, uint8_t *rx, size_t n)
{
    int result = is_open() ? host->exchange(tx, rx, n, spi_mode, spi_sclk_hz) : -1;
    done();
    return result;
}

int emgrig_transfer(int chip, const uint8_t *tx, uint8_t *rx, size_t n)
{
    int result = is_open() ? host->transfer(chip, tx, rx, n, spi_mode, spi_sclk_hz) : -1;
    done();
    return result;
}

int emgrig_wait_transfer(int chip, int edge, double timeout_us, const uint8_t *tx, uint8_t *rx,
                         size_t n)
{
    int result = -1;
    if (is_open()) {
        result = host->wait_transfer(chip, edge, timeout_us, tx, rx, n, spi_mode, spi_sclk_hz);
    }
    done();
    return result;
}

int emgrig_pin_set(int chip, const char *name, int level)
{
    int result = is_open() ? host->pin_set(chip, name, level) : -1;
    done();
    return result;
}

int emgrig_pin_get(int chip, const char *name)
{
    if (!is_open()) {
        return -1;
    }
    look(chip);
    return host->pin_get(chip, name);
}

int64_t emgrig_drdy_count(int chip)
{
    if (!is_open()) {
        return -1;
    }
    look(chip);
    return host->drdy_count(chip);
}

uint32_t emgrig_drdy_falls(void) { return is_open() ? *host->falls : 0; }

int emgrig_claim(int channel, double microvolts)
{
    return is_open() ? host->claim(channel, microvolts) : -1;
}

const char *emgrig_error(void) { return host != NULL ? host->error() : error_text; }

void emgrig_on_error(void (*handler)(const char *text)) { error_handler = handler; }

void emgrig_stop_after_s(double seconds)
{
    const char *told = getenv("EMGRIG_SECONDS");
    if (told != NULL && *told != '\0') {
        seconds = atof(told);
    }
    stop_us = seconds > 0 ? seconds * 1e6 : 0.0;
}
