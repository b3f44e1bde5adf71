/* esp_err.h: see driver/spi_master.h.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef ESP_ERR_H
#define ESP_ERR_H

#include <stdio.h>
#include <stdlib.h>

typedef int esp_err_t;
#define ESP_OK 0
#define ESP_FAIL (-1)
#define ESP_ERR_NO_MEM 0x101
#define ESP_ERR_INVALID_ARG 0x102
#define ESP_ERR_INVALID_STATE 0x103
#define ESP_ERR_INVALID_SIZE 0x104
#define ESP_ERR_NOT_SUPPORTED 0x106
#define ESP_ERR_TIMEOUT 0x107

#define ESP_ERROR_CHECK(x)                                                                         \
    do {                                                                                           \
        esp_err_t emgrig_err = (x);                                                                \
        if (emgrig_err != ESP_OK) {                                                                \
            fprintf(stderr, "%s:%d: ESP_ERROR_CHECK: 0x%x\n", __FILE__, __LINE__,                  \
                    (unsigned)emgrig_err);                                                         \
            exit(2);                                                                               \
        }                                                                                          \
    } while (0)

#endif
