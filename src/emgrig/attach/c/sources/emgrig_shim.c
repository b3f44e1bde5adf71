/* emgrig_shim.c: see emgrig_shim.h.
 *
 * Part of emgrig, MIT licence.
 */
#include "emgrig_shim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int pin;
    char name[8]; /* "": goes nowhere */
    int chip;
    int level;
    void (*isr)(void *argument);
    void *argument;
    int64_t n_served;
} pin_entry;

static pin_entry pins[EMGRIG_MOST_PINS];
static int n_pins;
static int is_mapped;
static int are_interrupts_on = 1;
static int is_serving;
static int has_isr;
static uint32_t falls_served;

static void map_told(void)
{
    if (is_mapped) {
        return;
    }
    is_mapped = 1;
#ifdef EMGRIG_PIN_CS
    emgrig_map(EMGRIG_PIN_CS, "CS", 0);
#endif
#ifdef EMGRIG_PIN_CS_1
    emgrig_map(EMGRIG_PIN_CS_1, "CS", 1);
#endif
#ifdef EMGRIG_PIN_DRDY
    emgrig_map(EMGRIG_PIN_DRDY, "DRDY", 0);
#endif
#ifdef EMGRIG_PIN_DRDY_1
    emgrig_map(EMGRIG_PIN_DRDY_1, "DRDY", 1);
#endif
#ifdef EMGRIG_PIN_START
    emgrig_map(EMGRIG_PIN_START, "START", EMGRIG_ALL);
#endif
#ifdef EMGRIG_PIN_RESET
    emgrig_map(EMGRIG_PIN_RESET, "RESET", EMGRIG_ALL);
#endif
#ifdef EMGRIG_PIN_PWDN
    emgrig_map(EMGRIG_PIN_PWDN, "PWDN", EMGRIG_ALL);
#endif
#ifdef EMGRIG_PIN_CLKSEL
    emgrig_map(EMGRIG_PIN_CLKSEL, "CLKSEL", EMGRIG_ALL);
#endif
#ifdef EMGRIG_PIN_SCLK
    emgrig_map(EMGRIG_PIN_SCLK, "SCLK", 0);
#endif
#ifdef EMGRIG_PIN_DIN
    emgrig_map(EMGRIG_PIN_DIN, "DIN", 0);
#endif
#ifdef EMGRIG_PIN_DOUT
    emgrig_map(EMGRIG_PIN_DOUT, "DOUT", 0);
#endif
}

static pin_entry *entry_of(int pin)
{
    int i;
    map_told();
    for (i = 0; i < n_pins; i++) {
        if (pins[i].pin == pin) {
            return &pins[i];
        }
    }
    if (n_pins == EMGRIG_MOST_PINS) {
        fprintf(stderr, "emgrig_shim: more than %d pins\n", EMGRIG_MOST_PINS);
        exit(2);
    }
    memset(&pins[n_pins], 0, sizeof pins[n_pins]);
    pins[n_pins].pin = pin;
    return &pins[n_pins++];
}

void emgrig_map(int pin, const char *name, int chip)
{
    pin_entry *entry = entry_of(pin);
    if (strlen(name) >= sizeof entry->name) {
        fprintf(stderr, "emgrig_shim: no pin %s\n", name);
        exit(2);
    }
    strcpy(entry->name, name);
    entry->chip = chip;
    entry->level = strcmp(name, "CS") == 0 || strcmp(name, "RESET") == 0 ||
                   strcmp(name, "PWDN") == 0 || strcmp(name, "CLKSEL") == 0;
}

int emgrig_cs_of(int pin)
{
    pin_entry *entry = entry_of(pin);
    return strcmp(entry->name, "CS") == 0 ? entry->chip : -1;
}

void emgrig_serve(void)
{
    int i;
    if (!has_isr || is_serving || !are_interrupts_on || emgrig_drdy_falls() == falls_served) {
        return;
    }
    is_serving = 1;
    falls_served = emgrig_drdy_falls();
    for (i = 0; i < n_pins; i++) {
        if (pins[i].isr != NULL) {
            int64_t n_falls = emgrig_drdy_count(pins[i].chip);
            if (n_falls != pins[i].n_served) {
                pins[i].n_served = n_falls;
                pins[i].isr(pins[i].argument);
            }
        }
    }
    is_serving = 0;
}

void emgrig_interrupts(int are_on)
{
    are_interrupts_on = are_on;
    emgrig_serve();
}

void emgrig_on_fall(int pin, void (*isr)(void *argument), void *argument)
{
    pin_entry *entry = entry_of(pin);
    if (isr != NULL && strcmp(entry->name, "DRDY") != 0) {
        fprintf(stderr, "emgrig_shim: an interrupt on pin %d, which is not DRDY; "
                        "compile with -DEMGRIG_PIN_DRDY=%d if it is\n", pin, pin);
        return;
    }
    entry->isr = isr;
    entry->argument = argument;
    if (isr != NULL) {
        has_isr = 1;
        entry->n_served = emgrig_drdy_count(entry->chip);
        falls_served = emgrig_drdy_falls();
    }
}

void emgrig_pin_write(int pin, int level)
{
    pin_entry *entry = entry_of(pin);
    entry->level = level != 0;
    if (strcmp(entry->name, "DRDY") == 0 || strcmp(entry->name, "DOUT") == 0) {
        return; /* an output of the chip; INPUT_PULLUP of old sketches writes to it */
    }
    if (entry->name[0] != '\0') {
        emgrig_pin_set(entry->chip, entry->name, level);
        emgrig_serve();
    }
}

int emgrig_pin_read(int pin)
{
    pin_entry *entry = entry_of(pin);
    int level = entry->level;
    if (entry->name[0] != '\0') {
        level = emgrig_pin_get(entry->chip < 0 ? 0 : entry->chip, entry->name);
        emgrig_serve();
    }
    return level;
}

void emgrig_pass_us(double us)
{
    double end;
    double left = us;
    if (!has_isr || is_serving || !are_interrupts_on) {
        emgrig_advance_us(us);
        return;
    }
    emgrig_serve();
    end = emgrig_now_us() + us;
    do {
        int i;
        for (i = 0; i < n_pins && pins[i].isr == NULL; i++) {
        }
        if (i == n_pins) {
            emgrig_advance_us(left);
            return;
        }
        emgrig_wait_drdy(pins[i].chip, 1, left);
        emgrig_serve();
        left = end - emgrig_now_us();
    } while (left > 1e-3);
}

void emgrig_idle_us(double us)
{
    emgrig_wait_drdy(0, 1, us);
    emgrig_serve();
}

static void note_cs(void)
{
    static int is_noted;
    int i;
    if (is_noted) {
        return;
    }
    is_noted = 1;
    map_told();
    for (i = 0; i < n_pins; i++) {
        if (strcmp(pins[i].name, "CS") == 0) {
            return;
        }
    }
    fprintf(stderr, "emgrig_shim: no pin is CS of a chip, so none answers; "
                    "compile with -DEMGRIG_PIN_CS=… or call emgrig_map\n");
}

void emgrig_spi(int mode, double sclk_hz, const void *tx, void *rx, size_t n)
{
    note_cs();
    emgrig_clocking(mode, sclk_hz);
    if (n == 1) {
        int miso = emgrig_byte(tx != NULL ? *(const uint8_t *)tx : 0);
        if (rx != NULL) {
            *(uint8_t *)rx = (uint8_t)miso;
        }
    } else if (n > 0) {
        emgrig_exchange((const uint8_t *)tx, (uint8_t *)rx, n);
    }
    emgrig_serve();
}

void emgrig_spi_chip(int chip, int mode, double sclk_hz, const void *tx, void *rx, size_t n)
{
    emgrig_clocking(mode, sclk_hz);
    emgrig_transfer(chip, (const uint8_t *)tx, (uint8_t *)rx, n);
    emgrig_serve();
}
