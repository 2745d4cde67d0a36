"""What is measured, with figures that compare only within one run on one machine."""
