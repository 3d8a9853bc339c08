"""The backend of an installation on Google Cloud: Firestore in native mode."""
