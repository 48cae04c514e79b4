#ifndef IO_OCF_H
#define IO_OCF_H
#include "io/batch.h"
#include "io/reader.h"
/*
 * Rows out of an Avro object container file, the other side of FORMAT_AVRO (io/format.h). The file is hostile: everything in
 * it is checked before it is believed, and memory is bounded by two blocks (MAX_OCF_BLOCK) and the header (MAX_OCF_HEADER).
 * Files that others wrote are read as well, where each field is a plain type or a union of one with null.
 */
struct ocf;
/* Takes in, whatever comes. Reads the header. ERR_CORRUPT: no such file, or damaged; ERR_SCHEMA: it has what no column has. */
NODISCARD int ocf_open(struct reader *in, struct ocf **ret, struct err *err);
/* A column a field, in the file's order, with the names and types that they had in the table; borrowed. Names may be there twice, as those
 * of a query may. */
const struct table *ocf_table(const struct ocf *o);
const char *ocf_metadata(const struct ocf *o); /* "orch.ddl"; NULL: the file has none */
/* Appends rows to b until it is full or holds BATCH_BYTES: 1; 0: the file's true end. b's columns are those of ocf_table one by
 * one, of this table or of another with cells of the same kind. lines count from 1. After an error
 * only ocf_close may follow. */
NODISCARD int ocf_fill(struct ocf *o, struct batch *b, struct err *err);
void ocf_close(struct ocf *o); /* NULL is fine */
#endif
