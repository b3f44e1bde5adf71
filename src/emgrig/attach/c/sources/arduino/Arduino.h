/* Arduino.h: the part of the Arduino language that a sketch for an SPI chip uses, on the bench of
 * emgrig_chip.h. Time is the bench's: nothing here waits on the wall. `int` has 32 bits, as on ARM
 * boards. What is missing does not compile; nothing that compiles does nothing, but for pins that
 * go nowhere.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef ARDUINO_H
#define ARDUINO_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <type_traits>

#include "emgrig_shim.h"

#define ARDUINO 10800

#define LOW 0
#define HIGH 1
#define INPUT 0
#define OUTPUT 1
#define INPUT_PULLUP 2
#define CHANGE 1
#define FALLING 2
#define RISING 3
#define LSBFIRST 0
#define MSBFIRST 1
#define DEC 10
#define HEX 16
#define OCT 8
#define BIN 2
#define LED_BUILTIN 13
#ifndef PI
#define PI 3.14159265358979323846
#endif
#define PROGMEM
#define F(text) (text)
#define pgm_read_byte(at) (*(const uint8_t *)(at))
#define IRAM_ATTR
#define ICACHE_RAM_ATTR

#define bitRead(value, bit) (((value) >> (bit)) & 1)
#define bitSet(value, bit) ((value) |= (1UL << (bit)))
#define bitClear(value, bit) ((value) &= ~(1UL << (bit)))
#define bitWrite(value, bit, on) ((on) ? bitSet(value, bit) : bitClear(value, bit))
#define bit(b) (1UL << (b))
#define lowByte(w) ((uint8_t)((w) & 0xff))
#define highByte(w) ((uint8_t)((w) >> 8))

typedef bool boolean;
typedef uint8_t byte;
typedef uint16_t word;

template <class A, class B> typename std::common_type<A, B>::type min(A a, B b)
{
    return a < b ? a : b;
}
template <class A, class B> typename std::common_type<A, B>::type max(A a, B b)
{
    return a < b ? b : a;
}
template <class T> T constrain(T value, T low, T high)
{
    return value < low ? low : value > high ? high : value;
}
inline long map(long x, long a, long b, long c, long d) { return (x - a) * (d - c) / (b - a) + c; }

static const uint8_t SS = 10;
static const uint8_t MOSI = 11;
static const uint8_t MISO = 12;
static const uint8_t SCK = 13;

void pinMode(int pin, int mode);
void digitalWrite(int pin, int level);
int digitalRead(int pin);

#define digitalPinToInterrupt(pin) (pin)
void attachInterrupt(int interrupt, void (*isr)(), int mode); /* FALLING; interrupt is the pin */
void detachInterrupt(int interrupt);
void interrupts();
void noInterrupts();

unsigned long micros();
unsigned long millis();
void delay(unsigned long ms);
void delayMicroseconds(unsigned int us);
void yield();

/* Text to standard output; nothing ever comes in. */
class HardwareSerial {
public:
    void begin(unsigned long) {}
    void end() {}
    void flush() { fflush(stdout); }
    int available() { return 0; }
    int availableForWrite() { return 64; }
    int read() { return -1; }
    int peek() { return -1; }
    operator bool() const { return true; }
    size_t write(uint8_t value);
    size_t write(const uint8_t *bytes, size_t n);
    size_t write(const char *text) { return print(text); }
    size_t print(const char *text);
    size_t print(char letter);
    size_t print(unsigned char value, int base = DEC) { return number(value, false, base); }
    size_t print(int value, int base = DEC) { return print(static_cast<long>(value), base); }
    size_t print(unsigned int value, int base = DEC) { return number(value, false, base); }
    size_t print(long value, int base = DEC);
    size_t print(unsigned long value, int base = DEC) { return number(value, false, base); }
    size_t print(long long value, int base = DEC) { return print(static_cast<long>(value), base); }
    size_t print(double value, int digits = 2);
    size_t println() { return print("\r\n"); }
    template <class T> size_t println(T value) { return print(value) + println(); }
    template <class T> size_t println(T value, int format)
    {
        return print(value, format) + println();
    }
    int printf(const char *format, ...) __attribute__((format(printf, 2, 3)));

private:
    size_t number(unsigned long value, bool is_negative, int base);
};
extern HardwareSerial Serial;

void setup();
void loop();

#endif
