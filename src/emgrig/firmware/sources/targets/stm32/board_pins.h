/* board_pins.h: which pin goes where, and how fast SPI1 is; the same as in CubeMX.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef BOARD_PINS_H
#define BOARD_PINS_H

#include "main.h" /* CubeMX's: it includes the HAL of your part */

#define PORT_CS GPIOA
#define PIN_CS GPIO_PIN_4
#define PIN_DRDY GPIO_PIN_0 /* of port B: EXTI0, falling edge */
#define PORT_START GPIOB
#define PIN_START GPIO_PIN_1
#define PORT_RESET GPIOB
#define PIN_RESET GPIO_PIN_2
#define PORT_PWDN GPIOB
#define PIN_PWDN GPIO_PIN_10

/* SPI1 at 84 MHz: 1.3 MHz for commands (at most 2 MHz), 10.5 MHz for frames (at most 20 MHz). */
#define COMMAND_PRESCALER SPI_BAUDRATEPRESCALER_64
#define DATA_PRESCALER SPI_BAUDRATEPRESCALER_8

#endif
