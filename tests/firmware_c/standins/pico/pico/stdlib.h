/* Names of the Pico SDK, for the compiler alone. */
#ifndef STANDIN_PICO_H
#define STANDIN_PICO_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
typedef unsigned int uint;
enum { GPIO_OUT = 1 };
enum gpio_function { GPIO_FUNC_SPI = 1, GPIO_FUNC_UART = 2 };
enum { GPIO_IRQ_EDGE_FALL = 4 };
void gpio_init(uint gpio);
void gpio_put(uint gpio, bool value);
void gpio_set_dir(uint gpio, bool out);
void gpio_set_function(uint gpio, enum gpio_function fn);
void gpio_set_irq_enabled_with_callback(uint gpio, uint32_t events, bool enabled,
                                        void (*callback)(uint gpio, uint32_t events));
uint64_t time_us_64(void);
void busy_wait_us_32(uint32_t us);
#endif
