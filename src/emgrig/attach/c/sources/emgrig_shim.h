/* emgrig_shim.h: what the shims of the frameworks have in common: pins by number, interrupts at a
 * fall of DRDY, and time that stops for them.
 *
 * Which pin of yours goes where is told by the compiler's options (-DEMGRIG_PIN_CS=10) or by
 * emgrig_map. A pin that goes nowhere keeps its level.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef EMGRIG_SHIM_H
#define EMGRIG_SHIM_H

#include "emgrig_chip.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EMGRIG_MOST_PINS 64

/* Connect a pin of yours to a pin of a chip: "CS", "DRDY", "START", "RESET", "PWDN", … */
void emgrig_map(int pin, const char *name, int chip);
/* The chip whose CS a pin is, or -1. */
int emgrig_cs_of(int pin);

void emgrig_pin_write(int pin, int level);
int emgrig_pin_read(int pin);

/* Have `isr` called when DRDY on this pin has fallen, as soon as time has passed over it; NULL:
 * no more. Several falls in one call are one interrupt, as with the flag of an interrupt unit. */
void emgrig_on_fall(int pin, void (*isr)(void *argument), void *argument);
/* Interrupts off (0) and on; those that came meanwhile follow. */
void emgrig_interrupts(int are_on);
/* Call the interrupts that are due. Every call of a shim that lets time pass does it. */
void emgrig_serve(void);

/* Let time pass, with the interrupts in it. */
void emgrig_pass_us(double us);
/* Let time pass until the next fall of DRDY, `us` at most. */
void emgrig_idle_us(double us);
/* Clock bytes with CS as it is: `mode` 0 to 3, `sclk_hz` > 0. */
void emgrig_spi(int mode, double sclk_hz, const void *tx, void *rx, size_t n);
/* The same with CS of a chip around it, in one round trip. */
void emgrig_spi_chip(int chip, int mode, double sclk_hz, const void *tx, void *rx, size_t n);

#ifdef __cplusplus
}
#endif
#endif
