//! States of a simulated disk: after a kill of the process, and after a power cut.
