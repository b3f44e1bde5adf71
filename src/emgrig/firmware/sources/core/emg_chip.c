/* emg_chip.c: see emg_chip.h. Page numbers are those of the data sheet, SBAS499C.
 *
 * Part of emgrig, MIT licence.
 */
#include "emg_chip.h"

#include <string.h>

/* From the last SCLK to CS high 4 tCLK (tSCCS), CS high for 2 tCLK (tCSH): 2.0 us and 1.0 us with
 * the slowest clock there may be, 2.048 MHz - 2.5 %. */
#define HOLD_US 3u
/* From the supplies to the first command 2^18 tCLK (tPOR, p. 62): 131.3 ms with that clock. VCAP1
 * must have 1.1 V by then; with 100 uF on it that takes longer, and POWER_UP_US is too short. */
#define POWER_UP_US 150000u
/* RESET low for 2 tCLK, and 18 tCLK until the chip is ready (p. 35): 9.0 us. */
#define RESET_US 10u

static uint32_t mask_of(const struct emg_chips *chips, uint8_t chip)
{
    return (chip == EMG_ALL_CHIPS) ? ((UINT32_C(1) << chips->n) - 1u) : (UINT32_C(1) << chip);
}

void emg_chip_boot(struct emg_chips *chips)
{
    const struct emg_hal *hal = chips->hal;
    hal->line(hal->context, EMG_LINE_START, false);
    hal->line(hal->context, EMG_LINE_PWDN, true);
    hal->line(hal->context, EMG_LINE_RESET, true);
    hal->delay_us(hal->context, POWER_UP_US);
    hal->line(hal->context, EMG_LINE_RESET, false);
    hal->delay_us(hal->context, RESET_US);
    hal->line(hal->context, EMG_LINE_RESET, true);
    hal->delay_us(hal->context, RESET_US);
    chips->settings = 0;
    chips->low = UINT32_C(1) << EMG_LINE_START;
    chips->in_rdatac = mask_of(chips, EMG_ALL_CHIPS); /* the mode after a reset (p. 41) */
}

void emg_chip_command(struct emg_chips *chips, uint8_t chip, uint8_t opcode)
{
    const struct emg_hal *hal = chips->hal;
    const uint32_t mask = mask_of(chips, chip);
    /* All at once, so that START begins the conversions of all chips in the same tCLK. */
    hal->transfer(hal->context, mask, &opcode, NULL, 1, EMG_COMMAND_HZ, HOLD_US);
    if (opcode == EMG_OP_SDATAC) {
        chips->in_rdatac &= ~mask;
    } else if ((opcode == EMG_OP_RDATAC) || (opcode == EMG_OP_RESET)) {
        chips->in_rdatac |= mask;
    }
    if (opcode == EMG_OP_RESET) {
        hal->delay_us(hal->context, RESET_US);
        chips->settings++;
    }
}

void emg_chip_read(struct emg_chips *chips, uint8_t chip, uint8_t address, uint8_t count,
                   uint8_t *values)
{
    const struct emg_hal *hal = chips->hal;
    uint8_t bytes[2u + EMG_ADDRESSES] = {0};
    bytes[0] = (uint8_t)(EMG_OP_RREG | address);
    bytes[1] = (uint8_t)(count - 1u);
    hal->transfer(hal->context, mask_of(chips, chip), bytes, bytes, 2u + (size_t)count,
                  EMG_COMMAND_HZ, HOLD_US);
    (void)memcpy(values, &bytes[2], count);
}

void emg_chip_write(struct emg_chips *chips, uint8_t chip, uint8_t address, uint8_t count,
                    const uint8_t *values)
{
    const struct emg_hal *hal = chips->hal;
    uint8_t bytes[2u + EMG_ADDRESSES];
    bytes[0] = (uint8_t)(EMG_OP_WREG | address);
    bytes[1] = (uint8_t)(count - 1u);
    (void)memcpy(&bytes[2], values, count);
    hal->transfer(hal->context, mask_of(chips, chip), bytes, NULL, 2u + (size_t)count,
                  EMG_COMMAND_HZ, HOLD_US);
    chips->settings++;
}

void emg_chip_line(struct emg_chips *chips, enum emg_line line, bool is_high)
{
    const struct emg_hal *hal = chips->hal;
    hal->line(hal->context, line, is_high);
    if (is_high) {
        chips->low &= ~(UINT32_C(1) << line);
    } else {
        chips->low |= UINT32_C(1) << line;
    }
    if (line != EMG_LINE_START) { /* a reset; what follows waits as after one */
        chips->in_rdatac = mask_of(chips, EMG_ALL_CHIPS);
        chips->settings++;
        hal->delay_us(hal->context, RESET_US);
    }
}

void emg_chip_frame(struct emg_chips *chips, uint8_t chip, uint8_t *bytes, uint8_t n)
{
    const struct emg_hal *hal = chips->hal;
    hal->transfer(hal->context, mask_of(chips, chip), NULL, bytes, n, EMG_DATA_HZ, HOLD_US);
}
