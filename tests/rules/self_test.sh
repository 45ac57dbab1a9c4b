#!/bin/bash
# Shows each rule of house.sh a tree that breaks it, and no other rule.
exec "$(dirname "$0")/house.sh" --self-test
