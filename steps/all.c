#include "steps/step.h"
const struct step_type step_types[] = {{NULL, NULL, NULL}};
