#ifndef IO_CURL_INT_H
#define IO_CURL_INT_H
/* The one door to libcurl: http.c and smtp.c alone. */
#include "base/err.h"
#include <curl/curl.h>
void curl_once(void); /* global start, whoever comes first */
enum err_code curl_code(CURLcode code);
/* "where: detail", and what to do about TLS. detail NULL or "": libcurl's own words. */
NODISCARD int curl_failed(const char *where, CURLcode code, const char *detail, struct err *err);
char *curl_origin(const char *url); /* "https://host:port" without user, path and query; returns owned */
#endif
