"""The engine: opens resources, walks the plan, resumes, interrupts."""
