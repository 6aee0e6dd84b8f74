"""What the aggregates show, each finding with a test of whether it is more than noise.

A finding is None when there is too little data for it. A test counts only what can be taken as independent: weeks for
what happens on days, customers for what they buy. A difference whose p-value is `significance.NOISE` or more is noise.
"""
