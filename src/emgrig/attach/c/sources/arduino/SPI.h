/* SPI.h: Arduino's SPI on the bench of emgrig_chip.h. See Arduino.h.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef SPI_H
#define SPI_H

#include "Arduino.h"

#define SPI_MODE0 0
#define SPI_MODE1 1
#define SPI_MODE2 2
#define SPI_MODE3 3
#define SPI_HAS_TRANSACTION 1
/* Dividers of the 16 MHz of an Uno. */
#define SPI_CLOCK_DIV2 2
#define SPI_CLOCK_DIV4 4
#define SPI_CLOCK_DIV8 8
#define SPI_CLOCK_DIV16 16
#define SPI_CLOCK_DIV32 32
#define SPI_CLOCK_DIV64 64
#define SPI_CLOCK_DIV128 128

class SPISettings {
public:
    SPISettings(uint32_t clock = 4000000, uint8_t order = MSBFIRST, uint8_t data_mode = SPI_MODE0)
        : sclk_hz(clock), bit_order(order), mode(data_mode)
    {
    }
    uint32_t sclk_hz;
    uint8_t bit_order;
    uint8_t mode;
};

class SPIClass {
public:
    void begin(int = -1, int = -1, int = -1, int = -1); /* makes SS an output, high */
    void end() {}
    void beginTransaction(SPISettings settings) { now = settings; }
    void endTransaction() {}
    void usingInterrupt(int) {}
    uint8_t transfer(uint8_t value);
    uint16_t transfer16(uint16_t value);
    void transfer(void *buffer, size_t n); /* what comes replaces what was sent */
    void transferBytes(const uint8_t *out, uint8_t *in, uint32_t n);
    void writeBytes(const uint8_t *out, uint32_t n) { transferBytes(out, nullptr, n); }
    uint8_t write(uint8_t value) { return transfer(value); }
    void setDataMode(uint8_t mode) { now.mode = mode; }
    void setBitOrder(uint8_t order) { now.bit_order = order; }
    void setClockDivider(uint32_t divider) { now.sclk_hz = 16000000 / divider; }
    void setFrequency(uint32_t sclk_hz) { now.sclk_hz = sclk_hz; }

private:
    SPISettings now;
};
extern SPIClass SPI;

#endif
