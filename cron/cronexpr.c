#include "cron/cronexpr.h"
