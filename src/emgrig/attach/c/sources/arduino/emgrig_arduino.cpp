/* emgrig_arduino.cpp: see Arduino.h. The program ends after 10 s of the bench, or so many as
 * EMGRIG_SECONDS says.
 *
 * Part of emgrig, MIT licence.
 */
#include "SPI.h"

#include <stdarg.h>

HardwareSerial Serial;
SPIClass SPI;

static const int MOST_PIN = 256;

static struct {
    bool is_output;
    bool is_told;
    int latch; /* what digitalWrite said; it drives the pin once that is an output */
    void (*isr)();
} pins[MOST_PIN];

static void call_isr(void *pin) { static_cast<decltype(&pins[0])>(pin)->isr(); }

static int checked(int pin)
{
    if (pin < 0 || pin >= MOST_PIN) {
        fprintf(stderr, "emgrig_arduino: no pin %d\n", pin);
        exit(2);
    }
    return pin;
}

void pinMode(int pin, int mode)
{
    pins[checked(pin)].is_output = mode == OUTPUT;
    if (mode == OUTPUT) {
        emgrig_pin_write(pin, pins[pin].latch);
    }
}

void digitalWrite(int pin, int level)
{
    pins[checked(pin)].latch = level != LOW;
    if (pins[pin].is_output) {
        emgrig_pin_write(pin, level != LOW);
    } else if (!pins[pin].is_told) {
        pins[pin].is_told = true;
        fprintf(stderr, "emgrig_arduino: pin %d is written, but is no OUTPUT yet\n", pin);
    }
}

int digitalRead(int pin) { return emgrig_pin_read(checked(pin)); }

void attachInterrupt(int interrupt, void (*isr)(), int mode)
{
    if (mode != FALLING) {
        fprintf(stderr, "emgrig_arduino: an interrupt on pin %d that is not FALLING\n", interrupt);
        exit(2);
    }
    pins[checked(interrupt)].isr = isr;
    emgrig_on_fall(interrupt, call_isr, &pins[interrupt]);
}

void detachInterrupt(int interrupt) { emgrig_on_fall(checked(interrupt), nullptr, nullptr); }
void interrupts() { emgrig_interrupts(1); }
void noInterrupts() { emgrig_interrupts(0); }

static double now_us()
{
    double now = emgrig_now_us();
    emgrig_serve();
    return now;
}

/* The counters of the boards have 32 bits. */
static unsigned long wrapped(double value)
{
    return static_cast<uint32_t>(static_cast<uint64_t>(value));
}

unsigned long micros() { return wrapped(now_us()); }
unsigned long millis() { return wrapped(now_us() / 1e3); }
void delay(unsigned long ms) { emgrig_pass_us(static_cast<double>(ms) * 1e3); }
void delayMicroseconds(unsigned int us) { emgrig_pass_us(us); }
void yield() { emgrig_idle_us(10.0); }

static uint8_t mirrored(uint8_t value)
{
    uint8_t out = 0;
    for (int i = 0; i < 8; i++) {
        out = static_cast<uint8_t>(out << 1 | ((value >> i) & 1));
    }
    return out;
}

void SPIClass::begin(int, int, int, int)
{
    pins[SS].latch = HIGH; /* as on an Uno */
    pinMode(SS, OUTPUT);
}

void SPIClass::transferBytes(const uint8_t *out, uint8_t *in, uint32_t n)
{
    if (now.bit_order == MSBFIRST) {
        emgrig_spi(now.mode, now.sclk_hz, out, in, n);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint8_t value = out == nullptr ? 0 : mirrored(out[i]);
        emgrig_spi(now.mode, now.sclk_hz, &value, &value, 1);
        if (in != nullptr) {
            in[i] = mirrored(value);
        }
    }
}

uint8_t SPIClass::transfer(uint8_t value)
{
    transferBytes(&value, &value, 1);
    return value;
}

uint16_t SPIClass::transfer16(uint16_t value)
{
    uint8_t bytes[2] = {highByte(value), lowByte(value)};
    transferBytes(bytes, bytes, 2);
    return static_cast<uint16_t>(bytes[0] << 8 | bytes[1]);
}

void SPIClass::transfer(void *buffer, size_t n)
{
    uint8_t *bytes = static_cast<uint8_t *>(buffer);
    transferBytes(bytes, bytes, static_cast<uint32_t>(n));
}

size_t HardwareSerial::write(uint8_t value)
{
    putchar(value);
    return 1;
}

size_t HardwareSerial::write(const uint8_t *bytes, size_t n) { return fwrite(bytes, 1, n, stdout); }

size_t HardwareSerial::print(const char *text) { return fwrite(text, 1, strlen(text), stdout); }
size_t HardwareSerial::print(char letter) { return write(static_cast<uint8_t>(letter)); }

size_t HardwareSerial::print(long value, int base)
{
    if (base != DEC) { /* as two's complement of 32 bits */
        return number(static_cast<uint32_t>(value), false, base);
    }
    unsigned long size = static_cast<unsigned long>(value);
    return value < 0 ? number(0UL - size, true, base) : number(size, false, base);
}

size_t HardwareSerial::print(double value, int digits)
{
    return static_cast<size_t>(::printf("%.*f", digits, value));
}

size_t HardwareSerial::number(unsigned long value, bool is_negative, int base)
{
    char text[8 * sizeof value + 2];
    char *at = text + sizeof text;
    unsigned long step = base >= BIN && base <= 36 ? static_cast<unsigned long>(base) : DEC;
    *--at = '\0';
    do {
        *--at = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[value % step];
        value /= step;
    } while (value != 0);
    if (is_negative) {
        *--at = '-';
    }
    return print(at);
}

int HardwareSerial::printf(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vprintf(format, arguments);
    va_end(arguments);
    return n;
}

int main()
{
    double idle_us = 10.0;
    emgrig_stop_after_s(10.0);
    setup();
    for (;;) {
        double before = emgrig_now_us();
        loop();
        if (emgrig_now_us() > before) {
            idle_us = 10.0;
        } else { /* it waits for an interrupt, and has it when DRDY falls: longer steps miss nothing */
            emgrig_idle_us(idle_us);
            idle_us = idle_us < 200.0 ? 2.0 * idle_us : idle_us;
        }
    }
}
