/* board_pins.h: which pin goes where. -1: not connected.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef BOARD_PINS_H
#define BOARD_PINS_H

#ifndef PIN_CS
#define PIN_SCLK 18
#define PIN_MISO 19 /* DOUT of the ADS1299 */
#define PIN_MOSI 23 /* DIN */
#define PIN_CS 5    /* of the first chip */
#define PIN_DRDY 4
#define PIN_START 25
#define PIN_RESET 26
#define PIN_PWDN 27
#endif

#define PIN_LED 2 /* blinks for IDENTIFY */

#endif
