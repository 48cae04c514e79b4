/*
 * Force-included into every file: calls that have no place here do not compile. Each has a replacement:
 * str_to_i64 and friends (base/str.h), buf_addf (base/buf.h), clock and civil (base/clock.h, base/civil.h).
 * Macros, not "GCC poison": a macro in a library's header may name strcpy as long as nobody uses it.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#define strcpy(...)    banned_strcpy(__VA_ARGS__)
#define strcat(...)    banned_strcat(__VA_ARGS__)
#define sprintf(...)   banned_sprintf(__VA_ARGS__)
#define vsprintf(...)  banned_vsprintf(__VA_ARGS__)
#define gets(...)      banned_gets(__VA_ARGS__)
#define strtok(...)    banned_strtok(__VA_ARGS__)
#define atoi(...)      banned_atoi(__VA_ARGS__)
#define atol(...)      banned_atol(__VA_ARGS__)
#define atof(...)      banned_atof(__VA_ARGS__)
#define localtime(...) banned_localtime(__VA_ARGS__)
#define gmtime(...)    banned_gmtime(__VA_ARGS__)
#define ctime(...)     banned_ctime(__VA_ARGS__)
#define asctime(...)   banned_asctime(__VA_ARGS__)
#define mktemp(...)    banned_mktemp(__VA_ARGS__)
#define tmpnam(...)    banned_tmpnam(__VA_ARGS__)
#define system(...)    banned_system(__VA_ARGS__)
#define popen(...)     banned_popen(__VA_ARGS__)
#endif
