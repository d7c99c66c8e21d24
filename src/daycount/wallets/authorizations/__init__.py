"""Authorizations: parts of a wallet's balance that are held for something that is about to be used."""
