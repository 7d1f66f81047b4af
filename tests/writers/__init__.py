"""Tests of the writers: kept outputs, real nft, and the proof that they mean the policy."""
