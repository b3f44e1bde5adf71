/* Firmware for a Cortex-M4 with a made-up SPI unit, pins and a timer; no library, no operating system.
 *
 * run.py runs its image on the bench. Its wait before CS goes high is a loop of instructions, as
 * long as the author measured it on one processor: on a faster one it is too short.
 */
#include <stdint.h>

#define REGISTER(offset) (*(volatile uint32_t *)(0x40000000u + (offset)))
#define SPI_DATA REGISTER(0x00)  /* write: clock a byte; read: what came back */
#define PIN_CS REGISTER(0x04)
#define PIN_START REGISTER(0x08)
#define WAIT_DRDY REGISTER(0x0C) /* read: sleep until DRDY falls (WFI); 1 if it did */
#define SLEEP_US REGISTER(0x10)  /* write: sleep for so long */
#define TELL_NV REGISTER(0x14)   /* write: nV of channel 1, signed */
#define STOP REGISTER(0x18)      /* write: the end */

static void wait_a_little(void)
{
    for (volatile int n = 0; n < 8; n++) {
    }
}

static void transfer(const uint8_t *tx, uint8_t *rx, int n)
{
    PIN_CS = 0;
    for (int i = 0; i < n; i++) {
        SPI_DATA = tx[i];
        rx[i] = (uint8_t)SPI_DATA;
        wait_a_little();
    }
    PIN_CS = 1;
    wait_a_little();
}

static void write_register(uint8_t address, uint8_t value)
{
    uint8_t bytes[3] = {(uint8_t)(0x40 | address), 0, value};
    transfer(bytes, bytes, 3);
}

static void command(uint8_t opcode) { transfer(&opcode, &opcode, 1); }

void reset_handler(void)
{
    uint8_t frame[27];
    SLEEP_US = 200000; /* tPOR and more */
    command(0x11);     /* SDATAC */
    write_register(0x03, 0xE0); /* CONFIG3: internal reference on */
    SLEEP_US = 150000;
    write_register(0x01, 0x94); /* CONFIG1: 1 kSPS */
    write_register(0x05, 0x60); /* CH1SET: gain 24, electrodes */
    PIN_START = 1;
    command(0x10); /* RDATAC */
    for (int n = 0; n < 50 && WAIT_DRDY; n++) {
        for (int i = 0; i < 27; i++) {
            frame[i] = 0;
        }
        transfer(frame, frame, 27);
        int32_t code = (int32_t)((uint32_t)frame[3] << 24 | (uint32_t)frame[4] << 16 |
                                 (uint32_t)frame[5] << 8) >> 8;
        /* a code is 4.5 V / 24 / 2^23 = 22.3517 nV = 1464844 / 2^16 */
        TELL_NV = (uint32_t)(int32_t)((int64_t)code * 1464844 >> 16);
    }
    STOP = 1;
    for (;;) {
    }
}

/* What a Cortex-M reads first: the stack's end, and where to begin. */
__attribute__((section(".vectors"), used)) static const void *const vectors[2] = {
    (const void *)0x20008000u, (const void *)reset_handler};
