#ifndef BASE_ATTR_H
#define BASE_ATTR_H
/* Compiler attributes, each under the one name that the tree uses. */
#define NODISCARD    __attribute__((warn_unused_result))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))
#define NORETURN     __attribute__((noreturn))
#define UNUSED(x)    ((void)(x))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#endif
