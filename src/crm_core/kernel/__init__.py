"""What every slice stands on: deciders, envelopes, money, dates, rules, sealed values, bytes."""
