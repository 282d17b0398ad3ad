"""A real network as what an embedded chain is forked from: only asked, never sent anything."""
