/*
 * Force-included into every file: functions that have no place here do not compile. Each has a
 * replacement: str_to_i64 and friends (base/str.h), buf_addf (base/buf.h), clock (base/clock.h).
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#pragma GCC poison strcpy strcat sprintf vsprintf gets strtok atoi atol atof
#pragma GCC poison localtime gmtime ctime asctime mktemp tmpnam system popen
#endif
