/* emgrig_chip.h: simulated ADS1299 chips for firmware that is built for this machine.
 *
 * Compile emgrig_chip.c with your code (C99 or C++) and run the program under `emgrig attach`.
 * One program has one bench: chips on one SPI bus, their pins, and one time, which passes only by
 * what is called here. It opens itself at the first call. Chips are counted from 0, channels from
 * 1; pins have the data sheet's names: "START", "RESET", "PWDN", "CLKSEL", "GPIO1" to "GPIO4",
 * "CS", "SCLK", "DIN" (set) and also "DRDY", "DOUT" (get).
 *
 * What goes wrong is printed as one line and ends the program: exit code 2 for an argument that is
 * none, 3 for a bench that is not there. With emgrig_on_error it is yours; the call then returns
 * -1. Inside Python nothing ends: the call returns -1, and Python raises.
 *
 * Looking in a loop: what only looks (time, pins, counts) costs the call time of the processor
 * that `emgrig attach` assumes. From the fourth look in a row on, time passes as well, at most
 * 64 us a look and never past a fall of DRDY, so that a loop that polls comes to an end.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef EMGRIG_CHIP_H
#define EMGRIG_CHIP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EMGRIG_ALL (-1) /* in emgrig_pin_set: this pin of every chip */

/* Go to the bench at `address` ("unix:/path", "tcp://HOST:PORT"); NULL takes it from the
 * environment variable EMGRIG_ATTACH. 0, or -1. Only needed to choose the address. */
int emgrig_open(const char *address);
void emgrig_close(void);

/* Time since power-on, us. */
double emgrig_now_us(void);
/* Let time pass. 0, or -1. */
int emgrig_advance_us(double us);
/* Wait until DRDY is low, or with `edge` not 0 until it falls the next time, `timeout_us` at most.
 * 1 if it was seen, 0 if not, or -1. */
int emgrig_wait_drdy(int chip, int edge, double timeout_us);

/* SPI mode (0 to 3) and SCLK (Hz) of all that follows; 1 and 1 MHz before. */
void emgrig_clocking(int mode, double sclk_hz);
/* CS low, CS high. 0, or -1. */
int emgrig_select(int chip);
int emgrig_deselect(int chip);
/* Clock one byte, CS as it is. What came back (0 to 255), or -1. */
int emgrig_byte(uint8_t mosi);
/* Clock `n` bytes, CS as it is. `tx` NULL sends zeros, `rx` NULL drops what comes. 0, or -1. */
int emgrig_exchange(const uint8_t *tx, uint8_t *rx, size_t n);
/* CS low, `n` bytes, CS high, as SPI units do that drive CS themselves; one round trip. */
int emgrig_transfer(int chip, const uint8_t *tx, uint8_t *rx, size_t n);
/* emgrig_wait_drdy and, if it was seen, emgrig_transfer, in one round trip. 1, 0 or -1. */
int emgrig_wait_transfer(int chip, int edge, double timeout_us, const uint8_t *tx, uint8_t *rx,
                         size_t n);

/* Drive a pin; its level. 0 or 1, or -1. */
int emgrig_pin_set(int chip, const char *name, int level);
int emgrig_pin_get(int chip, const char *name);
/* How often DRDY of a chip fell since power-on, as an interrupt would have counted it, or -1. */
int64_t emgrig_drdy_count(int chip);
/* The same of all chips together, as of the last call; asking costs nothing. */
uint32_t emgrig_drdy_falls(void);

/* Say what your code makes of a channel of the frame that was read last, uV at the input: the
 * report compares. 0, or -1. */
int emgrig_claim(int channel, double microvolts);

/* What went wrong last, or "". */
const char *emgrig_error(void);
/* Have `handler` called with it instead of the program ended. */
void emgrig_on_error(void (*handler)(const char *text));
/* End the program with exit code 0 once so much time has passed on the bench; 0: never. The
 * environment variable EMGRIG_SECONDS does the same, and goes before. Not inside Python. */
void emgrig_stop_after_s(double seconds);

/* The bench behind the calls. A socket by default; a program that holds your firmware as a library
 * sets its own. Functions return as those above do. */
typedef struct emgrig_host {
    size_t size;            /* of this structure */
    const double *now_us;   /* kept up to date by every function */
    const uint32_t *falls;  /* the same */
    double call_us;         /* what a call costs on the processor that is assumed */
    int (*advance_us)(double us);
    int (*wait_drdy)(int chip, int edge, double timeout_us);
    int (*set_cs)(int chip, int level);
    int (*byte)(int mosi, int mode, double sclk_hz);
    int (*exchange)(const uint8_t *tx, uint8_t *rx, size_t n, int mode, double sclk_hz);
    int (*transfer)(int chip, const uint8_t *tx, uint8_t *rx, size_t n, int mode, double sclk_hz);
    int (*wait_transfer)(int chip, int edge, double timeout_us, const uint8_t *tx, uint8_t *rx,
                         size_t n, int mode, double sclk_hz);
    int (*pin_set)(int chip, const char *name, int level);
    int (*pin_get)(int chip, const char *name);
    int64_t (*drdy_count)(int chip);
    int (*claim)(int channel, double microvolts);
    const char *(*error)(void); /* what went wrong last */
} emgrig_host;

/* `host` must live as long as it is used; NULL: the socket. 0, or -1 if it is another version's. */
int emgrig_set_host(const emgrig_host *host);

#ifdef __cplusplus
}
#endif
#endif
