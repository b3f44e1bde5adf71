/* stm32_hal.h: the part of STM32's HAL that a driver of an SPI chip uses, on the bench of
 * emgrig_chip.h. stm32f4xx_hal.h and others beside it include this. Time is the bench's.
 *
 * Your code drives CS by HAL_GPIO_WritePin. Which pin goes where is told by emgrig_map_port, or by
 * -DEMGRIG_PIN_CS=… with port * 16 + bit: PA4 is 4, PB0 is 16. SCLK and mode come from
 * SPI_HandleTypeDef: EMGRIG_APB_HZ (84 MHz) by its BaudRatePrescaler.
 *
 * Part of emgrig, MIT licence.
 */
#ifndef EMGRIG_STM32_HAL_H
#define EMGRIG_STM32_HAL_H

#include <stdint.h>

#include "emgrig_shim.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef EMGRIG_APB_HZ
#define EMGRIG_APB_HZ 84e6
#endif

typedef enum { HAL_OK = 0, HAL_ERROR = 1, HAL_BUSY = 2, HAL_TIMEOUT = 3 } HAL_StatusTypeDef;
#define HAL_MAX_DELAY 0xFFFFFFFFU

/* ---- pins ---- */
typedef enum { GPIO_PIN_RESET = 0, GPIO_PIN_SET = 1 } GPIO_PinState;
typedef struct {
    int port; /* 0 is A */
} GPIO_TypeDef;
extern GPIO_TypeDef emgrig_ports[8];
#define GPIOA (&emgrig_ports[0])
#define GPIOB (&emgrig_ports[1])
#define GPIOC (&emgrig_ports[2])
#define GPIOD (&emgrig_ports[3])
#define GPIOE (&emgrig_ports[4])
#define GPIOF (&emgrig_ports[5])
#define GPIOG (&emgrig_ports[6])
#define GPIOH (&emgrig_ports[7])
#define GPIO_PIN_0 ((uint16_t)0x0001)
#define GPIO_PIN_1 ((uint16_t)0x0002)
#define GPIO_PIN_2 ((uint16_t)0x0004)
#define GPIO_PIN_3 ((uint16_t)0x0008)
#define GPIO_PIN_4 ((uint16_t)0x0010)
#define GPIO_PIN_5 ((uint16_t)0x0020)
#define GPIO_PIN_6 ((uint16_t)0x0040)
#define GPIO_PIN_7 ((uint16_t)0x0080)
#define GPIO_PIN_8 ((uint16_t)0x0100)
#define GPIO_PIN_9 ((uint16_t)0x0200)
#define GPIO_PIN_10 ((uint16_t)0x0400)
#define GPIO_PIN_11 ((uint16_t)0x0800)
#define GPIO_PIN_12 ((uint16_t)0x1000)
#define GPIO_PIN_13 ((uint16_t)0x2000)
#define GPIO_PIN_14 ((uint16_t)0x4000)
#define GPIO_PIN_15 ((uint16_t)0x8000)

void HAL_GPIO_WritePin(GPIO_TypeDef *GPIOx, uint16_t GPIO_Pin, GPIO_PinState PinState);
GPIO_PinState HAL_GPIO_ReadPin(GPIO_TypeDef *GPIOx, uint16_t GPIO_Pin);
void HAL_GPIO_TogglePin(GPIO_TypeDef *GPIOx, uint16_t GPIO_Pin);
/* Yours, as in the HAL: called when DRDY on a pin falls that emgrig_interrupt_on named. */
void HAL_GPIO_EXTI_Callback(uint16_t GPIO_Pin);

/* Not of the HAL: connect a pin; have HAL_GPIO_EXTI_Callback called for it (what CubeMX sets). */
void emgrig_map_port(GPIO_TypeDef *GPIOx, uint16_t GPIO_Pin, const char *name, int chip);
void emgrig_interrupt_on(GPIO_TypeDef *GPIOx, uint16_t GPIO_Pin);

/* ---- SPI ---- */
#define SPI_POLARITY_LOW 0x00000000U
#define SPI_POLARITY_HIGH 0x00000002U
#define SPI_PHASE_1EDGE 0x00000000U
#define SPI_PHASE_2EDGE 0x00000001U
#define SPI_BAUDRATEPRESCALER_2 0x00000000U
#define SPI_BAUDRATEPRESCALER_4 0x00000008U
#define SPI_BAUDRATEPRESCALER_8 0x00000010U
#define SPI_BAUDRATEPRESCALER_16 0x00000018U
#define SPI_BAUDRATEPRESCALER_32 0x00000020U
#define SPI_BAUDRATEPRESCALER_64 0x00000028U
#define SPI_BAUDRATEPRESCALER_128 0x00000030U
#define SPI_BAUDRATEPRESCALER_256 0x00000038U
#define SPI_MODE_MASTER 0x00000104U
#define SPI_DIRECTION_2LINES 0x00000000U
#define SPI_DATASIZE_8BIT 0x00000000U
#define SPI_NSS_SOFT 0x00000200U
#define SPI_FIRSTBIT_MSB 0x00000000U

typedef struct {
    uint32_t Mode, Direction, DataSize, CLKPolarity, CLKPhase, NSS, BaudRatePrescaler, FirstBit;
} SPI_InitTypeDef;
typedef struct {
    void *Instance;
    SPI_InitTypeDef Init;
} SPI_HandleTypeDef;

HAL_StatusTypeDef HAL_SPI_Init(SPI_HandleTypeDef *hspi);
HAL_StatusTypeDef HAL_SPI_Transmit(SPI_HandleTypeDef *hspi, const uint8_t *pData, uint16_t Size,
                                   uint32_t Timeout);
HAL_StatusTypeDef HAL_SPI_Receive(SPI_HandleTypeDef *hspi, uint8_t *pData, uint16_t Size,
                                  uint32_t Timeout);
HAL_StatusTypeDef HAL_SPI_TransmitReceive(SPI_HandleTypeDef *hspi, const uint8_t *pTxData,
                                          uint8_t *pRxData, uint16_t Size, uint32_t Timeout);

/* ---- time ---- */
HAL_StatusTypeDef HAL_Init(void);
void HAL_Delay(uint32_t Delay);
uint32_t HAL_GetTick(void);

#ifdef __cplusplus
}
#endif
#endif
