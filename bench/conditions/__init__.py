"""Test conditions: how communities agreed to compare codecs, as data, and where runs depart from it."""
