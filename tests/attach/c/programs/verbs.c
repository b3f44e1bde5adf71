/* Goes through every call of emgrig_chip.h and says what it returned. */
#include "emgrig_chip.h"

#include <stdio.h>
#include <string.h>

static char said[4096];

static void say(const char *what, double value)
{
    size_t n = strlen(said);
    snprintf(said + n, sizeof said - n, "%s=%.3f\n", what, value);
}

static void say_bytes(const char *what, const uint8_t *bytes, size_t n)
{
    size_t i;
    size_t at = strlen(said);
    at += (size_t)snprintf(said + at, sizeof said - at, "%s=", what);
    for (i = 0; i < n; i++) {
        at += (size_t)snprintf(said + at, sizeof said - at, "%02x", bytes[i]);
    }
    snprintf(said + at, sizeof said - at, "\n");
}

const char *go_through(void)
{
    const uint8_t sdatac = 0x11;
    const uint8_t reference[3] = {0x43, 0, 0xE0};
    uint8_t got[27];
    int i;
    said[0] = '\0';
    say("advance", emgrig_advance_us(150e3));
    say("transfer", emgrig_transfer(0, &sdatac, NULL, 1));
    emgrig_transfer(1, &sdatac, NULL, 1);
    emgrig_transfer(0, reference, got, 3);
    say("pin_set", emgrig_pin_set(EMGRIG_ALL, "START", 1));
    say("start", emgrig_pin_get(1, "START"));
    say("select", emgrig_select(0));
    emgrig_clocking(1, 2e6);
    say("byte", emgrig_byte(0x20));
    say("exchange", emgrig_exchange(NULL, got, 2));
    say_bytes("id", got, 2);
    say("cs", emgrig_pin_get(0, "CS"));
    emgrig_advance_us(2);
    say("deselect", emgrig_deselect(0));
    emgrig_clocking(2, 1e6);
    emgrig_transfer(0, reference, got, 3);
    emgrig_clocking(1, 4e6);
    emgrig_advance_us(1);
    got[0] = 0x10;
    emgrig_transfer(0, got, NULL, 1);
    say("wait", emgrig_wait_drdy(0, 1, 1e6));
    emgrig_transfer(0, NULL, got, 27);
    say_bytes("frame", got, 27);
    say("claim", emgrig_claim(1, 12.5));
    for (i = 0; i < 2; i++) {
        say("wait_transfer", emgrig_wait_transfer(0, 1, 1e6, NULL, got, 27));
        say_bytes("frame", got, 27);
    }
    say("count", (double)emgrig_drdy_count(0));
    say("falls", (double)emgrig_drdy_falls());
    emgrig_pin_set(EMGRIG_ALL, "START", 0);
    emgrig_advance_us(70e6);
    say("wait", emgrig_wait_drdy(0, 1, 61e6));
    say("wait_transfer", emgrig_wait_transfer(0, 1, 10.0, NULL, got, 27));
    say("now", emgrig_now_us());
    return said;
}

/* Polls DRDY as sketches do; the time of each fall that was seen, us. */
const char *poll_drdy(int n)
{
    const uint8_t sdatac = 0x11;
    said[0] = '\0';
    emgrig_advance_us(150e3);
    emgrig_transfer(0, &sdatac, NULL, 1);
    emgrig_pin_set(0, "START", 1);
    while (n-- > 0) {
        while (emgrig_pin_get(0, "DRDY") == 0) {
        }
        while (emgrig_pin_get(0, "DRDY") == 1) {
        }
        say("fall", emgrig_now_us());
        emgrig_select(0);
        emgrig_byte(0);
        emgrig_advance_us(2);
        emgrig_deselect(0);
    }
    return said;
}

/* Waits by the clock alone; how long that took, us. */
double wait_by_looking(double us)
{
    double begin = emgrig_now_us();
    while (emgrig_now_us() - begin < us) {
    }
    return emgrig_now_us() - begin;
}

int do_nonsense(void) { return emgrig_pin_set(0, "BUSY", 1); }
const char *last_error(void) { return emgrig_error(); }

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "poll") == 0) {
        fputs(poll_drdy(3), stdout);
    } else if (strcmp(what, "nonsense") == 0) {
        do_nonsense();
    } else if (strcmp(what, "for-ever") == 0) {
        for (;;) {
            emgrig_advance_us(1000);
        }
    } else {
        fputs(go_through(), stdout);
    }
    return 0;
}
