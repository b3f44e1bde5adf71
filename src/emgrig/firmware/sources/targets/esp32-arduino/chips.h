/* chips.h: the chips' side of struct emg_hal by Arduino's SPI and pins.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef CHIPS_H
#define CHIPS_H

#ifdef __cplusplus
extern "C" {
#endif
#include "emg_board.h"

/* Pins on a classic ESP32: VSPI is 18 (SCLK), 19 (MISO), 23 (MOSI). */
#ifndef PIN_CS
#define PIN_CS 5
#define PIN_DRDY 4
#define PIN_START 25
#define PIN_RESET 26
#define PIN_PWDN 27
#endif

void chips_begin(struct emg_hal *hal, struct emg_board *board);

#ifdef __cplusplus
}
#endif
#endif
