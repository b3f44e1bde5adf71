/* FreeRTOS.h: one task, which is app_main; time is the bench's. A tick is 10 ms, as in ESP-IDF's
 * default configuration: vTaskDelay(pdMS_TO_TICKS(5)) waits for nothing here too.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef FREERTOS_H
#define FREERTOS_H

#include <stdint.h>

#ifndef configTICK_RATE_HZ
#define configTICK_RATE_HZ 100
#endif
#define portTICK_PERIOD_MS (1000 / configTICK_RATE_HZ)
#define portTICK_RATE_MS portTICK_PERIOD_MS
#define pdMS_TO_TICKS(ms) ((TickType_t)((uint64_t)(ms)*configTICK_RATE_HZ / 1000))
#define portMAX_DELAY 0xFFFFFFFFu
#define pdFALSE 0
#define pdTRUE 1
#define pdFAIL 0
#define pdPASS 1
#define portYIELD_FROM_ISR(...) ((void)0)

typedef uint32_t TickType_t;
typedef int BaseType_t;
typedef unsigned UBaseType_t;

#endif
