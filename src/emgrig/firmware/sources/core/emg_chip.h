/* emg_chip.h: register bytes, opcodes and pins of the ADS1299s on one board.
 *
 * No register is interpreted. All that is known of a chip is what was sent to it and driven.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef EMG_CHIP_H
#define EMG_CHIP_H

#include "emg_config.h"
#include "emg_hal.h"

/* Opcodes (SBAS499C, 9.5.3). */
#define EMG_OP_RESET 0x06u
#define EMG_OP_START 0x08u
#define EMG_OP_STOP 0x0Au
#define EMG_OP_RDATAC 0x10u
#define EMG_OP_SDATAC 0x11u
#define EMG_OP_RREG 0x20u
#define EMG_OP_WREG 0x40u

#define EMG_ALL_CHIPS 0xFFu
#define EMG_ADDRESSES 32u /* that fit in RREG and WREG */

struct emg_chips {
    const struct emg_hal *hal;
    uint8_t n;
    uint16_t settings;  /* epoch: +1 whenever a register may have changed */
    uint32_t in_rdatac; /* bit n: chip n */
    uint32_t low;       /* bit of enum emg_line: that pin is low */
};

/* Wait for the supplies and pulse RESET: all registers are at their defaults then. */
void emg_chip_boot(struct emg_chips *chips);
/* Send one opcode to one chip or to all. */
void emg_chip_command(struct emg_chips *chips, uint8_t chip, uint8_t opcode);
/* Registers of one chip, `count` 1 to EMG_ADDRESSES of them. */
void emg_chip_read(struct emg_chips *chips, uint8_t chip, uint8_t address, uint8_t count,
                   uint8_t *values);
void emg_chip_write(struct emg_chips *chips, uint8_t chip, uint8_t address, uint8_t count,
                    const uint8_t *values);
void emg_chip_line(struct emg_chips *chips, enum emg_line line, bool is_high);
/* The frame of one chip. */
void emg_chip_frame(struct emg_chips *chips, uint8_t chip, uint8_t *bytes, uint8_t n);

#endif
