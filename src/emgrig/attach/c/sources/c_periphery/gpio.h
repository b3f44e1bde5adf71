/* gpio.h: c-periphery's pins on the bench of emgrig_chip.h. A line is the pin of that number, on
 * whatever chip of lines (-DEMGRIG_PIN_DRDY=17, or emgrig_map). Events are falls of DRDY.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef EMGRIG_PERIPHERY_GPIO_H
#define EMGRIG_PERIPHERY_GPIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum gpio_error_code { GPIO_ERROR_ARG = -1, GPIO_ERROR_OPEN = -2, GPIO_ERROR_UNSUPPORTED = -6,
                       GPIO_ERROR_INVALID_OPERATION = -7 };
typedef enum gpio_direction { GPIO_DIR_IN, GPIO_DIR_OUT, GPIO_DIR_OUT_LOW,
                              GPIO_DIR_OUT_HIGH } gpio_direction_t;
typedef enum gpio_edge { GPIO_EDGE_NONE, GPIO_EDGE_RISING, GPIO_EDGE_FALLING,
                         GPIO_EDGE_BOTH } gpio_edge_t;
typedef struct gpio_handle gpio_t;

gpio_t *gpio_new(void);
int gpio_open(gpio_t *gpio, const char *path, unsigned int line, gpio_direction_t direction);
int gpio_open_sysfs(gpio_t *gpio, unsigned int line, gpio_direction_t direction);
int gpio_read(gpio_t *gpio, bool *value);
int gpio_write(gpio_t *gpio, bool value);
int gpio_poll(gpio_t *gpio, int timeout_ms); /* 1: an event; below 0: wait for ever */
int gpio_read_event(gpio_t *gpio, gpio_edge_t *edge, uint64_t *timestamp);
int gpio_set_direction(gpio_t *gpio, gpio_direction_t direction);
int gpio_set_edge(gpio_t *gpio, gpio_edge_t edge);
int gpio_close(gpio_t *gpio);
void gpio_free(gpio_t *gpio);
unsigned int gpio_line(gpio_t *gpio);
int gpio_errno(gpio_t *gpio);
const char *gpio_errmsg(gpio_t *gpio);

#ifdef __cplusplus
}
#endif
#endif
