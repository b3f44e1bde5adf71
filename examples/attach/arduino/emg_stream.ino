// Streams channel 1 of an ADS1299 to the serial port, uV. For any Arduino with 3.3 V pins.
//
// It has one fault, as many sketches do; `emgrig attach` names it. docs/attach-c.md goes through it.
#include <SPI.h>

const int CS = 10, DRDY = 2, START = 5, RESET = 9;
const SPISettings CHIP(2000000, MSBFIRST, SPI_MODE1);

volatile bool isReady = false;

void onDrdy() { isReady = true; }

void command(const uint8_t *bytes, size_t n)
{
    SPI.beginTransaction(CHIP);
    digitalWrite(CS, LOW);
    for (size_t i = 0; i < n; i++) {
        SPI.transfer(bytes[i]);
        delayMicroseconds(2);
    }
    digitalWrite(CS, HIGH);
    SPI.endTransaction();
    delayMicroseconds(2);
}

void command(uint8_t opcode)
{
    SPI.beginTransaction(CHIP);
    digitalWrite(CS, LOW);
    SPI.transfer(opcode);
    digitalWrite(CS, HIGH);
    SPI.endTransaction();
    delayMicroseconds(2);
}

void writeRegister(uint8_t address, uint8_t value)
{
    const uint8_t bytes[] = {(uint8_t)(0x40 | address), 0, value};
    command(bytes, sizeof bytes);
}

void setup()
{
    Serial.begin(115200);
    pinMode(CS, OUTPUT);
    pinMode(START, OUTPUT);
    pinMode(RESET, OUTPUT);
    pinMode(DRDY, INPUT);
    digitalWrite(CS, HIGH);
    digitalWrite(START, LOW);
    SPI.begin();
    delay(200); // tPOR and more
    digitalWrite(RESET, HIGH);
    delay(1);
    command(0x11);             // SDATAC
    writeRegister(0x03, 0xE0); // CONFIG3: internal reference on
    delay(150);
    writeRegister(0x01, 0x95); // CONFIG1: 500 SPS
    writeRegister(0x05, 0x60); // CH1SET: gain 24, electrodes
    attachInterrupt(digitalPinToInterrupt(DRDY), onDrdy, FALLING);
    digitalWrite(START, HIGH);
    command(0x10); // RDATAC
}

void loop()
{
    if (!isReady) {
        return;
    }
    isReady = false;
    uint8_t frame[27] = {0};
    SPI.beginTransaction(CHIP);
    digitalWrite(CS, LOW);
    SPI.transfer(frame, sizeof frame);
    delayMicroseconds(2);
    digitalWrite(CS, HIGH);
    SPI.endTransaction();
    int32_t code = (int32_t)((uint32_t)frame[3] << 24 | (uint32_t)frame[4] << 16 | frame[5] << 8) >> 8;
    float microvolts = code * (4.5e6f / 24 / 8388608);
    Serial.println(microvolts, 1);
#ifdef EMGRIG_CHIP_H
    emgrig_claim(1, microvolts);
#endif
}
