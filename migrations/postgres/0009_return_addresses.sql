-- Where the client wants to hear of its message and what is repeated then, as JSON: callbacks and its own references. Apart
-- from the request, since that one may be forgotten as soon as the message is at its end, and statuses come later. Null in
-- rows of the version before, whose request says it.
alter table bodies add column return_address text;
