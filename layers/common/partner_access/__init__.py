"""Partner access: the staff of solutions partners administer client accounts, on the client's terms.

Every operation is one column through the same floors, in five steps:

1. *event → request, act* (`api`): what is asked, and who asks, when, and the name of this one time;
2. *facts* (`store`): all that the rules of this operation need, read together;
3. *decision* (`domain`): a pure function takes the facts and either refuses or says what shall be;
4. *one transaction* (`store`): the decision comes true if everything it relied on still holds;
5. *answer* (`representations`): what the caller is told, now and whenever the same key comes again.

Words: an **access link** asks a client account to make one partner **employee** a **partner admin**; an
**approver** answers for the account; the **grant** records it inside the employee's **membership**; the
free **partner seat** comes with it. An **act** is one caller's deed, a **letter** an e-mail it leads to.
"""

import gc

# what a start makes stays: looking through it again and again for garbage finds none, and takes 7 % of a cold start
gc.set_threshold(200_000)
