/* board_pins.h: which pin goes where.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef BOARD_PINS_H
#define BOARD_PINS_H

#define PIN_TX 0u /* to the PC's RX */
#define PIN_RX 1u
#define PIN_MISO 16u /* DOUT of the ADS1299 */
#define PIN_CS 17u
#define PIN_SCLK 18u
#define PIN_MOSI 19u /* DIN */
#define PIN_DRDY 20u
#define PIN_START 21u
#define PIN_RESET 22u
#define PIN_PWDN 26u
#define PIN_LED 25u /* blinks for IDENTIFY */

#endif
