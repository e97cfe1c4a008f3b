"""Which version of Kodit this is: known without looking at what is installed, which takes time."""

VERSION = "0.1.0"
