"""The whole system on one machine, to play with: ``setpoint dev up``.

Google's Pub/Sub and Firestore emulators where they are installed, stand-ins where not; every function of the checkout
under functions-framework, pushed to by subscriptions; fakes of Cloud Asset Inventory and of Google's REST APIs; and a
small fleet, which ``setpoint dev change`` changes outside of Setpoint.
"""
