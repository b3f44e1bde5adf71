// Arduino: what the sketch of the examples does not use.
#include <SPI.h>

const int CS_PIN = 7, DRDY_PIN = 3, START_PIN = 4, FREE_PIN = 20;
volatile unsigned long fallenAt = 0;
volatile int nFalls = 0;

void onFall()
{
    fallenAt = micros();
    nFalls++;
}

byte readId(SPISettings settings)
{
    SPI.beginTransaction(settings);
    digitalWrite(CS_PIN, LOW);
    SPI.transfer16(0x2000);
    byte id = SPI.transfer(0);
    delayMicroseconds(3);
    digitalWrite(CS_PIN, HIGH);
    SPI.endTransaction();
    delayMicroseconds(3);
    return id;
}

void setup()
{
    Serial.begin(9600);
    pinMode(CS_PIN, OUTPUT);
    digitalWrite(CS_PIN, HIGH);
    digitalWrite(START_PIN, LOW); // no OUTPUT yet: a line on standard error
    pinMode(START_PIN, OUTPUT);
    pinMode(FREE_PIN, INPUT_PULLUP);
    SPI.begin();
    unsigned long before = millis();
    delay(150);
    Serial.print("waited ");
    Serial.println(millis() - before);
    digitalWrite(CS_PIN, LOW);
    SPI.setDataMode(SPI_MODE1);
    SPI.setClockDivider(SPI_CLOCK_DIV16);
    SPI.transfer(0x11);
    delayMicroseconds(3);
    digitalWrite(CS_PIN, HIGH);
    delayMicroseconds(3);
    Serial.print("id 0x");
    Serial.println(readId(SPISettings(1000000, MSBFIRST, SPI_MODE1)), HEX);
    Serial.print("least first ");
    SPI.beginTransaction(SPISettings(1000000, LSBFIRST, SPI_MODE1));
    digitalWrite(CS_PIN, LOW);
    SPI.transfer(0x04); // 20h mirrored
    SPI.transfer(0x00);
    Serial.println(SPI.transfer(0x00), BIN); // 3Eh mirrored is 7Ch
    delayMicroseconds(3);
    digitalWrite(CS_PIN, HIGH);
    Serial.println(-12);
    Serial.println(-1L, HEX);
    Serial.println(3.14159, 3);
    Serial.println('x');
    Serial.println(constrain(300, 0, 255) + map(5, 0, 10, 0, 100) + min(1, 2) + max(1L, 2));
    attachInterrupt(digitalPinToInterrupt(DRDY_PIN), onFall, FALLING);
    noInterrupts();
    digitalWrite(START_PIN, HIGH);
    delay(20);
    Serial.println(nFalls);
    interrupts(); // what came meanwhile is one interrupt
    Serial.println(nFalls);
    delay(8);
    Serial.println(nFalls); // two more at 250 SPS
    unsigned long first = fallenAt;
    while (digitalRead(DRDY_PIN) == HIGH || fallenAt == first) {
        yield();
    }
    Serial.println((fallenAt - first + 500) / 1000);
    detachInterrupt(digitalPinToInterrupt(DRDY_PIN));
    nFalls = 0;
    delay(50);
    Serial.println(nFalls);
}

void loop() {}
