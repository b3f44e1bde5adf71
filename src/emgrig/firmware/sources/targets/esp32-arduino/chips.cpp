/* chips.cpp: see chips.h. One chip; CS by hand, so that it can be held after the last SCLK.
 *
 * Part of emgrig, MIT licence.
 */
#include "chips.h"

#include <Arduino.h>
#include <SPI.h>
#include <string.h>

#ifndef IRAM_ATTR
#define IRAM_ATTR
#endif

static struct emg_board *board;

/* micros() has 32 bits and wraps after 71 minutes; the loop asks far more often. */
static uint64_t clock_us()
{
    static uint32_t last;
    static uint64_t high;
    noInterrupts();
    const uint32_t now = static_cast<uint32_t>(micros());
    if (now < last) {
        high += 1ull << 32;
    }
    last = now;
    const uint64_t time_us = high | now;
    interrupts();
    return time_us;
}

static void IRAM_ATTR on_drdy() { emg_drdy(board, clock_us()); }

static uint64_t now_us(void *) { return clock_us(); }

static void delay_us(void *, uint32_t us)
{
    if (us > 10000u) {
        delay(us / 1000u + 1u);
    } else {
        delayMicroseconds(us);
    }
}

static void idle_us(void *, uint32_t) { yield(); }

static void transfer(void *, uint32_t, const uint8_t *tx, uint8_t *rx, size_t n, uint32_t sclk_hz,
                     uint32_t hold_us)
{
    uint8_t bytes[64] = {0};
    if (n > sizeof bytes) {
        return;
    }
    if (tx != nullptr) {
        memcpy(bytes, tx, n);
    }
    SPI.beginTransaction(SPISettings(sclk_hz, MSBFIRST, SPI_MODE1));
    digitalWrite(PIN_CS, LOW);
    SPI.transfer(bytes, n);
    delayMicroseconds(hold_us);
    digitalWrite(PIN_CS, HIGH);
    delayMicroseconds(hold_us);
    SPI.endTransaction();
    if (rx != nullptr) {
        memcpy(rx, bytes, n);
    }
}

static void line(void *, enum emg_line which, bool is_high)
{
    const int pins[] = {-1, PIN_START, PIN_RESET, PIN_PWDN};
    digitalWrite(pins[which], is_high ? HIGH : LOW);
}

static void output(int pin, int level)
{
    digitalWrite(pin, level); /* first: RESET must not go low for a moment */
    pinMode(pin, OUTPUT);
    digitalWrite(pin, level);
}

void chips_begin(struct emg_hal *hal, struct emg_board *own)
{
    board = own;
    output(PIN_CS, HIGH);
    output(PIN_START, LOW);
    output(PIN_RESET, HIGH);
    output(PIN_PWDN, HIGH);
    SPI.begin();
    pinMode(PIN_DRDY, INPUT);
    attachInterrupt(digitalPinToInterrupt(PIN_DRDY), on_drdy, FALLING);
    hal->now_us = now_us;
    hal->delay_us = delay_us;
    hal->idle_us = idle_us;
    hal->transfer = transfer;
    hal->line = line;
}
