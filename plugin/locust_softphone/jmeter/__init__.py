"""JMeter plans: read, and translated into profiles. XML in, values out; nothing here opens a file or a socket.

plan_tree        the XML of a .jmx file becomes a tree of elements
variables        ${name} and ${__P(name,default)} become their values
thread_groups    a thread group becomes the start and end of each of its threads
arrival_curve    groups and timers that are given as a rate over time
timers           what a timer waits before each sample
pacing           starts and timers become the time of each sample
samplers         samplers become the steps of a softphone
ramp_stages      start times become the stages of a profile's ramp
plan_import      all of it together, and what a profile cannot express
profile_yaml     the text of a profile
plan_sentences   the explanation in words, with a table and a chart
"""
