"""What a plan bills again each period beside its base fee and usage: fixed charges, and what is missing to its commitment."""
