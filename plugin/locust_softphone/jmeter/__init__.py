"""JMeter plans: read, and translated into profiles. XML in, values out; nothing here opens a file or a socket.

plan_tree        the XML of a .jmx file becomes a tree of elements
variables        ${name} and ${__P(name,default)} become their values
plan_settings    the settings of an element, as numbers and words
thread_groups    the thread groups; start_times and arrival_curve have the arithmetic
plan_timers      the timers; timers has what each waits before a sample
samplers         samplers become the steps of a softphone
pacing           starts and timers become the time of each sample
left_out         what has no equivalent
plan_import      all of it together
profile_yaml     the text of a profile; ramp_stages and departures make its ramp and its ramp down
plan_sentences   the explanation; time_table and forum_advice are parts of it, plan_text prints it
"""
