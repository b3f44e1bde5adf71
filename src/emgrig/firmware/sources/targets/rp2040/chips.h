/* chips.h: the chips' side of struct emg_hal on an RP2040, by the Pico SDK.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef CHIPS_H
#define CHIPS_H

#include "emg_board.h"

void chips_begin(struct emg_hal *hal, struct emg_board *board);

#endif
